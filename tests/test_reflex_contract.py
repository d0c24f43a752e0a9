"""What we lean on in Reflex, fact by fact. When one of these fails after an upgrade, so does something of ours."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import reflex as rx
from reflex.app import App
from reflex_base.environment import environment

import rxconfig
from awe_app import build
from awe_app.serve import PRODUCTION
from awe_app.ui.browser_files import importable

APP = """
import contextlib
import reflex as rx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

ran = []

@contextlib.asynccontextmanager
async def of_the_api(app):
    ran.append("api lifespan")
    yield

@contextlib.asynccontextmanager
async def of_the_app():
    ran.append("started")
    yield
    ran.append("stopped")

async def health(request):
    return PlainTextResponse("healthy")

app = rx.App(api_transformer=Starlette(routes=[Route("/health", health)], lifespan=of_the_api))
app.register_lifespan_task(of_the_app)
app.add_page(lambda: rx.text("home"), route="/")
app.add_page(lambda: rx.text("one"), route="/things/[thing_id]")
"""

DRIVE = """
import asyncio, json, sys
import httpx
from tiny import tiny

async def main():
    asgi = tiny.app()
    inbox, outbox = asyncio.Queue(), asyncio.Queue()
    life = asyncio.ensure_future(asgi({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    answers = {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asgi), base_url="http://test") as client:
        for path in ("/health", "/", "/things/7", "/api/nothing", "/ping"):
            answer = await client.get(path)
            answers[path] = [answer.status_code, answer.headers.get("content-type", "").partition(";")[0], answer.text]
    await inbox.put({"type": "lifespan.shutdown"})
    await outbox.get()
    await life
    print(json.dumps({"answers": answers, "ran": tiny.ran}))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a small app answers when it is served from pages that were built before."""
    root = tmp_path_factory.mktemp("reflex")
    client = root / ".web" / "build" / "client"
    client.mkdir(parents=True)
    (client / "index.html").write_text("built before")
    (client / "404.html").write_text("the page of unknown addresses")
    (root / "rxconfig.py").write_text(
        "import reflex as rx\n"
        "config = rx.Config(app_name='tiny', telemetry_enabled=False, disable_plugins=[rx.plugins.SitemapPlugin])\n"
    )
    (root / "tiny").mkdir()
    (root / "tiny" / "__init__.py").touch()
    (root / "tiny" / "tiny.py").write_text(APP)
    done = subprocess.run(
        [sys.executable, "-c", DRIVE],
        cwd=root,
        env={**os.environ, **PRODUCTION, "REFLEX_DIR": str(root / "reflex"), "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_two_internal_switches_are_called_as_we_call_them():
    assert environment.REFLEX_SKIP_COMPILE.name in PRODUCTION
    assert environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.name in PRODUCTION
    assert PRODUCTION["REFLEX_ENV_MODE"] == rx.constants.Env.PROD.value


def test_pages_that_were_built_before_are_served_without_building(served: dict[str, Any]):
    assert served["answers"]["/"] == [200, "text/html", "built before"]


def test_an_address_with_a_parameter_is_a_page(served: dict[str, Any]):
    assert served["answers"]["/things/7"][:2] == [200, "text/html"]


def test_our_routes_come_before_the_pages(served: dict[str, Any]):
    assert served["answers"]["/health"] == [200, "text/plain", "healthy"]


def test_unknown_addresses_get_an_html_page_so_the_api_needs_its_own_last_route(served: dict[str, Any]):
    assert served["answers"]["/api/nothing"][:2] == [404, "text/html"]


def test_only_registered_lifespans_run_not_the_api_s_own(served: dict[str, Any]):
    assert served["ran"] == ["started", "stopped"]


def test_the_path_for_imports_carries_no_query_and_the_one_for_browsers_does(tmp_path: Path, monkeypatch):
    module = tmp_path / "widget.py"
    (tmp_path / "widget.jsx").write_text("export const Widget = () => null")
    module.write_text("import reflex as rx\nASSET = rx.asset('widget.jsx', shared=True)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    import widget  # type: ignore[import-not-found]

    assert widget.ASSET.importable_path == "$/public/external/widget/widget.jsx"
    assert "?v=" in str(widget.ASSET)


class Sketch(rx.NoSSRComponent):
    """A wrapped component as the canvas is one."""

    library = "$/public/sketch.jsx"
    tag = "Sketch"
    statuses: rx.Var[dict[str, str]]
    on_edit: rx.EventHandler[rx.event.passthrough_event_spec(dict)]


def test_a_misspelt_property_silently_becomes_style():
    right, wrong = Sketch.create(statuses={}), Sketch.create(statusess={})
    assert "statusess" not in right.style
    assert "statusess" in wrong.style


def test_an_unknown_event_is_refused():
    with pytest.raises(ValueError, match="on_edited"):
        Sketch.create(on_edited=rx.console_log("x"))


class Counter(rx.State):
    """A state as ours are."""

    shown: int = 0
    _kept: int = 0

    @rx.event
    def count(self, kept_too: bool) -> None:
        self.shown += 1
        if kept_too:
            self._kept += 1

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        await asyncio.sleep(0)


def test_a_state_runs_without_a_server_and_private_variables_never_leave_it():
    root = rx.State(_reflex_internal_init=True)  # type: ignore[call-arg]
    counter = root.get_substate(Counter.get_full_name().split("."))
    counter.count(True)
    assert counter._kept == 1
    assert [key.partition("_rx_state_")[0] for key in counter.get_delta()[Counter.get_full_name()]] == ["shown"]


def test_setters_are_never_made_by_themselves():
    assert not rxconfig.config.state_auto_setters
    assert "set_shown" not in Counter.event_handlers


def test_a_background_event_may_supersede_itself():
    handler = Counter.event_handlers["follow"]
    assert handler.is_background
    assert handler.supersedes


def test_states_are_kept_in_memory_and_expire():
    assert rxconfig.config.state_manager_mode == rx.constants.StateManagerMode.MEMORY
    assert rxconfig.config.redis_token_expiration > 0


def test_production_has_one_port_no_telemetry_no_sign_and_names_its_plugins():
    config = rxconfig.config
    assert config.frontend_port == config.backend_port
    assert not config.telemetry_enabled
    assert config.show_built_with_reflex is False
    assert any(isinstance(plugin, rx.plugins.RadixThemesPlugin) for plugin in config.plugins)
    assert rx.plugins.SitemapPlugin in config.disable_plugins


def test_an_api_can_be_handed_to_the_app():
    assert "api_transformer" in App.__dataclass_fields__


def test_the_pages_ask_the_address_they_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assets = tmp_path / "assets"
    assets.mkdir()
    chunk = assets / "reflex-env-a1.js"
    chunk.write_text("var e={PING:`http://localhost:8000/ping`,EVENT:`ws://localhost:8000/_event`};")
    (assets / "reflex-env-a1.js.gz").write_bytes(b"compressed with the old address")
    monkeypatch.setattr(build, "CLIENT", tmp_path)
    build._ask_the_serving_address()
    pages, sockets = '(location.origin+"/ping")', '(location.origin.replace(/^http/,"ws")+"/_event")'
    assert chunk.read_text() == f"var e={{PING:{pages},EVENT:{sockets}}};"
    assert [path.name for path in assets.iterdir()] == [chunk.name]


def test_a_file_of_ours_is_imported_from_where_reflex_links_it():
    here = Path(__file__).name
    linked = build.ROOT / "assets" / "external" / Path(*__name__.split("."))
    try:
        assert importable(__name__, here) == rx.asset(here, shared=True).importable_path
    finally:
        shutil.rmtree(linked, ignore_errors=True)
