"""A whole AWE behind its API. Tests in ``*_flows.py`` run on SQLite and PostgreSQL, the others on SQLite."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from awe_app import composition
from awe_app.adapters import passwords
from awe_app.api.app import create_api
from awe_app.composition import Running, start
from awe_app.nodes.registry import discover
from awe_app.services import provide
from awe_app.settings import Environment
from tests.api.holding import Hold

PASSWORD = "correct horse"
SECRET = "k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3"

SignUp = Callable[[str], Awaitable[httpx.AsyncClient]]


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """PostgreSQL is for the main flows: the rest does not depend on the database."""
    if "database_url" in metafunc.fixturenames and not metafunc.module.__name__.endswith("_flows"):
        metafunc.definition.add_marker(pytest.mark.parametrize("database_url", ["sqlite"], indirect=True))


@pytest.fixture
async def awe(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """Everything that the server runs, but for cheap password hashes, and one more node type: ``hold``."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    monkeypatch.setattr(composition, "discover", lambda: {**discover(), "hold": Hold})
    Hold.reached, Hold.released = asyncio.Event(), asyncio.Event()
    environment = Environment(
        database_url=database_url, data_dir=tmp_path, secret_key=SECRET[::-1], jwt_secret_key=SECRET
    )
    running = await start(environment)
    provide(running.services)
    yield running
    provide(None)
    await running.stop()


@pytest.fixture
def hold(awe: Running) -> type[Hold]:
    """The node type that waits until ``released`` is set."""
    return Hold


@pytest.fixture
def api() -> FastAPI:
    """The API; without ``awe`` it can only refuse."""
    return create_api(origins=["https://elsewhere.example.org"])


def client_of(api: FastAPI) -> httpx.AsyncClient:
    """A client that talks to the API without a network; what the API raises is a failed test."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://awe")


@pytest.fixture
async def stranger(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with client_of(api) as client:
        yield client


@pytest.fixture
async def sign_up(awe: Running, api: FastAPI) -> AsyncIterator[SignUp]:
    """``await sign_up("ann")`` gives a client that is signed in as a new user."""
    clients: list[httpx.AsyncClient] = []

    async def sign_up(name: str) -> httpx.AsyncClient:
        client = client_of(api)
        clients.append(client)
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        assert (await client.post("/api/auth/register", json=account)).status_code == 201
        answer = await client.post("/api/auth/login", json={"username": name, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return client

    yield sign_up
    for client in clients:
        await client.aclose()


@pytest.fixture
async def ann(sign_up: SignUp) -> httpx.AsyncClient:
    """Somebody who is signed in."""
    return await sign_up("ann")


@pytest.fixture
async def bob(sign_up: SignUp) -> httpx.AsyncClient:
    """Somebody else."""
    return await sign_up("bob")
