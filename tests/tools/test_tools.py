"""Every tool keeps to what a tool declares, and the built-in ones do their work."""

import json
import os
from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from awe_app.adapters.documents import Documents
from awe_app.adapters.http import HttpClient
from awe_app.adapters.sandbox import PythonSandbox
from awe_app.adapters.user_files import UserFileFolder
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.protocols import Capabilities
from awe_app.domain.secrets import goes_to
from awe_app.tools import file_reader, registry
from awe_app.tools.base import Arguments, BaseTool, NoArguments, OpenArguments, ToolContext, call, read_settings
from awe_app.tools.registry import discover_tools, find_tool
from tests.documents import docx
from tests.http_server import HttpServer, says, sends_on

ANN = UserId("ann")


async def use(
    name: str,
    arguments: Any,
    user_id: UserId | None = ANN,
    logs: list[str] | None = None,
    settings: dict[str, Any] | None = None,
    **parts: Any,
) -> Any:
    tool = find_tool(name)
    return await call(
        tool,
        arguments,
        lambda read: ToolContext(
            read,
            user_id,
            Capabilities(models=None, **parts),  # type: ignore[arg-type]
            "e:n:",
            lambda message, *_rest, **_data: logs.append(message) if logs is not None else None,
            settings=read_settings(tool, settings or {}),
        ),
    )


async def failure(name: str, arguments: Any, **rest: Any) -> NodeFailed:
    with pytest.raises(NodeFailed) as caught:
        await use(name, arguments, **rest)
    return caught.value


def test_the_built_in_tools_are_there():
    assert set(discover_tools()) >= {
        *("ask_human", "calculator", "file_reader", "http_request", "python_executor", "read_page"),
        *("web_search", "workflow"),
    }


@pytest.mark.parametrize("tool", discover_tools().values(), ids=lambda tool: tool.name)
def test_every_tool_can_be_shown_to_people_and_models(tool: type[BaseTool[Any]]):
    shown = json.loads(json.dumps(tool.as_json()))
    flags = {"requires_approval", "reads_untrusted", "reads_private", "sends_out"}
    assert set(shown) == {"name", "description", "parameters", "settings"} | flags
    assert all(isinstance(shown[flag], bool) for flag in flags)
    assert len(shown["description"]) > 20
    for schema in (shown["parameters"], shown["settings"]):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
    assert shown["settings"]["additionalProperties"] is False
    assert shown["parameters"]["additionalProperties"] is issubclass(tool.Arguments, OpenArguments)
    for name, argument in shown["parameters"]["properties"].items():
        assert argument.get("description"), f"a model cannot know what {name} is"
    for name, setting in shown["settings"]["properties"].items():
        assert setting.get("title"), f"a form cannot name {name}"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "'expression' is missing"),
        ({"expression": 5}, "'expression' input should be a valid string"),
        ({"expression": "1", "secret": "s3cret"}, "there is no argument 'secret'"),
        ("1 + 1", "must be an object"),
        (None, "must be an object"),
    ],
)
async def test_arguments_that_do_not_fit_are_told(arguments: Any, said: str):
    failed = await failure("calculator", arguments)
    assert (failed.code, failed.retryable) == ("INVALID_ARGUMENTS", False)
    assert said in failed.detail
    assert "s3cret" not in failed.detail


async def test_a_tool_that_does_not_exist_is_told_with_those_that_do():
    failed = await failure("caculator", {})
    assert failed.code == "UNKNOWN_TOOL"
    assert "calculator" in failed.detail


def third_party(monkeypatch: pytest.MonkeyPatch, tool: type[BaseTool[Any]]) -> None:
    class Point(EntryPoint):
        def load(self) -> Any:
            return tool

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point("x", "x", group)])
    registry.discover_tools.cache_clear()


@pytest.fixture(autouse=True)
def _fresh_registry():
    yield
    registry.discover_tools.cache_clear()


async def test_third_parties_add_tools_by_entry_point(monkeypatch: pytest.MonkeyPatch):
    class Greeter(BaseTool[NoArguments]):
        """Say hello to the one who asks."""

        name = "greeter"

        async def run(self, ctx: ToolContext[NoArguments]) -> str:
            return f"hello {ctx.user_id}"

    third_party(monkeypatch, Greeter)
    assert await use("greeter", {}) == "hello ann"


WEATHER = '''
from pydantic import Field
from awe_app.tools.base import Arguments, BaseTool, ToolContext


class WeatherArguments(Arguments):
    city: str = Field(description="Name of the city.")


class Weather(BaseTool[WeatherArguments]):
    """Tell the weather in a city."""

    name = "weather"

    async def run(self, ctx: ToolContext[WeatherArguments]) -> str:
        return f"rain in {ctx.arguments.city}"
'''


async def test_an_installed_package_brings_its_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_weather.py").write_text(WEATHER)
    metadata = tmp_path / "my_weather-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-weather\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[awe.tools]\nweather = my_weather:Weather\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry.discover_tools.cache_clear()
    assert await use("weather", {"city": "Lisbon"}) == "rain in Lisbon"


@pytest.mark.parametrize(("called", "said"), [("calculator", "declared twice"), ("Bad Name", "does not match")])
def test_names_are_used_once_and_fit_models(called: str, said: str, monkeypatch: pytest.MonkeyPatch):
    third_party(monkeypatch, type("Other", (BaseTool,), {"name": called, "Arguments": Arguments}))
    with pytest.raises(ValueError, match=said):
        discover_tools()


@pytest.fixture
async def sandbox() -> AsyncIterator[PythonSandbox]:
    made = PythonSandbox()
    yield made
    await made.stop()


async def test_the_python_executor_gives_result_and_prints(sandbox: PythonSandbox):
    arguments = {"code": "print('hi')\nsum(numbers)", "inputs": {"numbers": [1, 2]}}
    assert await use("python_executor", arguments, sandbox=sandbox) == {"result": 3, "printed": "hi\n"}


async def test_the_python_executor_runs_in_the_sandbox_only(sandbox: PythonSandbox):
    failed = await failure("python_executor", {"code": "open('/etc/passwd').read()"}, sandbox=sandbox)
    assert failed.code == "CODE_ERROR"
    assert (await failure("python_executor", {"code": "1", "engine": "full"})).code == "INVALID_ARGUMENTS"


async def test_http_request_goes_through_the_guard():
    async with HttpServer() as server:
        server.otherwise = says('{"a": 1}', content_type="application/json")
        client = HttpClient([server.host])
        logs: list[str] = []
        arguments = {"url": server.url, "method": "POST", "query": {"q": "s3cret"}, "body": {"b": 2}}
        answer = await use("http_request", arguments, http=client, logs=logs)
        server.otherwise = says(b"x" * 2_000_000)
        large = await failure("http_request", {"url": server.url}, http=client)
        inside = await failure("http_request", {"url": "http://169.254.169.254/"}, http=client)
        await client.stop()
    assert (answer["status"], answer["body"]) == (200, {"a": 1})
    assert (server.asked[0].headers["idempotency-key"], server.asked[0].body) == ("e:n:", b'{"b": 2}')
    assert logs
    assert "s3cret" not in str(logs)
    assert (large.code, inside.code) == ("RESPONSE_TOO_LARGE", "ADDRESS_BLOCKED")


@pytest.fixture
def files(tmp_path: Path) -> UserFileFolder:
    home = tmp_path / "files" / ANN
    (home / "notes").mkdir(parents=True)
    (home / "notes" / "a.txt").write_text("grüße", encoding="utf-8")
    (home / "big.txt").write_bytes(b"x" * (1024 * 1024 + 1))
    (home / "image.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "secret_key").write_text("s3cret")
    (tmp_path / "files" / "ben").mkdir()
    (tmp_path / "files" / "ben" / "b.txt").write_text("s3cret")
    (home / "link.txt").symlink_to(tmp_path / "secret_key")
    (home / "folder").symlink_to(tmp_path)
    os.mkfifo(home / "pipe")
    return UserFileFolder(tmp_path)


async def test_the_file_reader_reads_the_users_own_files(files: UserFileFolder):
    got = await use("file_reader", {"path": "notes/a.txt"}, files=files, documents=Documents())
    expected = {"path": "notes/a.txt", "text": "grüße", "cut": None, "size_bytes": 7, "media_type": "text/plain"}
    assert got == expected


async def test_the_file_reader_reads_documents_in_parts(files: UserFileFolder, tmp_path: Path):
    (tmp_path / "files" / ANN / "plan.docx").write_bytes(docx("Plan", "word " * 100))
    parser = Documents()
    first = await use("file_reader", {"path": "plan.docx", "max_chars": 100}, files=files, documents=parser)
    assert (first["text"][:6], len(first["text"]), first["cut"]) == ("# Plan", 100, 100)
    rest = await use("file_reader", {"path": "plan.docx", "start": 100}, files=files, documents=parser)
    assert rest["cut"] is None
    assert (first["text"] + rest["text"]).count("word") == 100


@pytest.mark.parametrize(
    "path",
    ["missing.txt", "../ben/b.txt", "../../secret_key", "notes/../../ben/b.txt", "/etc/passwd", "link.txt",
     "folder/secret_key", "folder/files/ben/b.txt", "notes", ".", "..", "pipe", "a\0b", "x" * 400, "~/x",
     "..\\ben\\b.txt"],
)  # fmt: skip
async def test_nothing_else_is_a_file_of_the_user(path: str, files: UserFileFolder):
    failed = await failure("file_reader", {"path": path}, files=files)
    assert failed.code == "FILE_NOT_FOUND"


@pytest.mark.parametrize("user", [None, "nobody", "..", "", "ben/../ann", "."])
async def test_nobody_else_has_the_users_files(user: str | None, files: UserFileFolder):
    failed = await failure("file_reader", {"path": "notes/a.txt"}, user_id=user and UserId(user), files=files)
    assert failed.code == "FILE_NOT_FOUND"


async def test_files_that_are_too_large_or_no_text_are_told(files: UserFileFolder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_reader, "MAX_BYTES", 1024 * 1024)
    parts: dict[str, Any] = {"files": files, "documents": Documents()}
    assert (await failure("file_reader", {"path": "big.txt"}, **parts)).code == "FILE_TOO_LARGE"
    assert (await failure("file_reader", {"path": "image.png"}, **parts)).code == "UNKNOWN_FORMAT"


async def test_a_part_that_was_not_built_in_is_told():
    from awe_app.domain.errors import Unavailable

    with pytest.raises(Unavailable):
        await use("file_reader", {"path": "x"})


async def test_http_request_keeps_to_the_allowed_hosts():
    async with HttpServer(away=sends_on("https://example.com/?stolen=1")) as server:
        client = HttpClient([server.host])
        settings = {"allowed_hosts": [server.host]}
        answer = await use("http_request", {"url": server.url}, http=client, settings=settings)
        elsewhere = await failure("http_request", {"url": "https://example.com/"}, http=client, settings=settings)
        sent_on = await failure("http_request", {"url": f"{server.url}/away"}, http=client, settings=settings)
        await client.stop()
    assert answer["status"] == 200
    assert (elsewhere.code, sent_on.code) == ("HOST_NOT_ALLOWED", "REDIRECT_REFUSED")
    tool = find_tool("http_request")
    allowed = read_settings(tool, settings)
    assert tool.may_send({"url": server.url}, allowed)
    assert not tool.may_send({"url": "https://example.com"}, allowed)
    assert not tool.may_send({"url": server.url}, read_settings(tool, {}))


class OneSecret:
    """Implements ``UserSecrets``: Ann's, for one host."""

    def __init__(self, host: str) -> None:
        self._host = host

    async def reveal(self, user_id: UserId | None, name: str, url: str) -> str:
        assert (user_id, name, goes_to(url, [self._host])) == (ANN, "key", True)
        return "s3cret-value"


async def test_http_request_signs_in_by_a_secrets_name_only():
    async with HttpServer() as server:
        client = HttpClient([server.host])
        parts: dict[str, Any] = {"http": client, "secrets": OneSecret(server.host)}
        auth = {"type": "bearer", "token": {"secret": "key"}}
        await use("http_request", {"url": server.url}, settings={"auth": auth}, **parts)
        taken = {"url": server.url, "headers": {"authorization": "mine"}}
        clash = await failure("http_request", taken, settings={"auth": auth}, **parts)
        await client.stop()
    assert server.asked[0].headers["authorization"] == "Bearer s3cret-value"
    assert clash.code == "INVALID_ARGUMENTS"
    with pytest.raises(NodeFailed, match="INVALID_SETTING") as literal:
        read_settings(find_tool("http_request"), {"auth": {"type": "bearer", "token": "s3cret-value"}})
    assert "s3cret-value" not in str(literal.value)
