"""The pages' states over a whole AWE, one tab each."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import reflex as rx
from reflex.istate.data import RouterData

from awe_app.adapters import passwords
from awe_app.composition import Running, start
from awe_app.domain.accounts import User
from awe_app.services import provide
from awe_app.settings import Environment
from awe_app.ui.session import SessionState

PASSWORD = "correct horse"
SECRET = "k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3"
StateT = TypeVar("StateT", bound=rx.State)


class Tab:
    """One browser tab on the side of the server: its tree of states."""

    def __init__(self) -> None:
        self.root = rx.State(_reflex_internal_init=True)  # type: ignore[call-arg]

    def state(self, kind: type[StateT]) -> StateT:
        """The tab's state of this class."""
        found: Any = self.root.get_substate(kind.get_full_name().split("."))
        return found

    def visit(self, path: str) -> None:
        """Be on this page."""
        url = f"http://localhost:8000{path}"
        data = {"pathname": path, "asPath": path, "query": {}, "headers": {"origin": "http://localhost:8000"}}
        self.root.router = RouterData.from_router_data(data)
        assert self.root.router.url.path == path, url

    async def sign_in(self, user: User) -> None:
        """Hold the tokens of this user."""
        from awe_app.services import services

        tokens = await services().accounts.login(user.username, PASSWORD, False)
        self.state(SessionState).keep(tokens, remember=False)


@pytest.fixture
async def awe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """Everything that the server runs, but for cheap password hashes."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    url = f"sqlite+aiosqlite:///{tmp_path / 'awe.db'}"
    environment = Environment(database_url=url, data_dir=tmp_path, secret_key=SECRET[::-1], jwt_secret_key=SECRET)
    running = await start(environment)
    provide(running.services)
    yield running
    provide(None)
    await running.stop()


@pytest.fixture
async def user(awe: Running) -> User:
    """Somebody with an account."""
    return await awe.services.accounts.register("ada", "ada@example.org", PASSWORD)


@pytest.fixture
async def tab(user: User) -> Tab:
    """A tab in which ``user`` is signed in."""
    opened = Tab()
    await opened.sign_in(user)
    return opened
