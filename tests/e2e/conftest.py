"""A server for the session, and a browser page that counts WebSocket frames and collects what goes wrong in it."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, WebSocket, sync_playwright

from tests.e2e.server import Person, Server

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROME_ON_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
HEARTBEATS = ("2", "3")
"""Engine.IO's ping and pong, which come by the clock and not because of what somebody did."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives the running app, and goes last: while Playwright is open, no other event loop may run."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.e2e)
    items.sort(key=here.__contains__)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The running app; all browser tests share it, each with accounts of its own."""
    with Server(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def person(server: Server) -> Person:
    """Somebody without an account yet."""
    return Person(server)


def chromium() -> str | None:
    """The machine's own browser; None where Playwright has to bring one."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None and sys.platform == "darwin" and CHROME_ON_MAC.exists():
        return str(CHROME_ON_MAC)
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: the machine's own, or the one Playwright brought."""
    found = chromium()
    with sync_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).exists():
            pytest.fail("Chromium is missing: install it (Debian: apt install chromium; macOS: Google Chrome)", False)
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Observed:
    """What a page did that its user does not see."""

    frames: list[tuple[str, str]] = field(default_factory=list)
    """``("in" | "out", text)`` of every WebSocket frame but heartbeats."""
    errors: list[str] = field(default_factory=list)
    """Errors in the console, and exceptions nobody caught."""

    def watch(self, page: Page) -> None:
        """Listen to this page from now on."""
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        page.on("websocket", self._socket)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _socket(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: self._frame("out", payload))
        socket.on("framereceived", lambda payload: self._frame("in", payload))

    def _frame(self, way: str, payload: str | bytes) -> None:
        text = payload if isinstance(payload, str) else payload.decode(errors="replace")
        if text not in HEARTBEATS:
            self.frames.append((way, text))


@pytest.fixture
def observed() -> Observed:
    """What the test's page did."""
    return Observed()


@pytest.fixture
def page(browser: Browser, server: Server, observed: Observed) -> Iterator[Page]:
    """A fresh browser window; at the end nothing may have gone wrong in its console."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    observed.watch(page)
    yield page
    context.close()
    assert observed.errors == []
