"""API keys: what they may do, and that they are refused once they are gone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from awe_app.composition import Running
from awe_app.domain.ids import iso, utc_now
from awe_app.services import api_keys
from tests.api.answers import assert_error
from tests.api.conftest import SignUp, client_of
from tests.builders import graph

WithKey = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def with_key(ann: httpx.AsyncClient, api: FastAPI) -> AsyncIterator[WithKey]:
    """``await with_key("read")`` gives a client that sends a new key of Ann's with those scopes."""
    clients: list[httpx.AsyncClient] = []

    async def make(*scopes: str) -> httpx.AsyncClient:
        made = await ann.post("/api/settings/api-keys", json={"name": "script", "scopes": list(scopes)})
        client = client_of(api)
        client.headers["Authorization"] = f"Bearer {made.json()['key']}"
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


async def test_a_key_is_shown_once_and_then_only_its_last_characters(ann: httpx.AsyncClient) -> None:
    soon = iso(utc_now() + timedelta(days=1))
    made = await ann.post("/api/settings/api-keys", json={"name": "nightly", "scopes": ["run"], "expires_at": soon})
    assert made.status_code == 201
    key = made.json()["key"]
    assert key.startswith("awe_")
    listed = await ann.get("/api/settings/api-keys")
    (shown,) = listed.json()["items"]
    assert (shown["name"], shown["scopes"], shown["key_last4"]) == ("nightly", ["run"], key[-4:])
    assert shown["id"] == made.json()["id"]
    assert shown["last_used_at"] is None
    assert key not in listed.text


async def test_a_key_acts_for_its_owner_and_nobody_else(
    with_key: WithKey, ann: httpx.AsyncClient, sign_up: SignUp
) -> None:
    script = await with_key()
    assert (await script.get("/api/auth/me")).json()["username"] == "ann"
    made = (await script.post("/api/workflows", json=graph("a -> b"))).json()
    assert (await ann.get(f"/api/workflows/{made['id']}")).status_code == 200
    bob = await sign_up("bob")
    theirs = (await bob.post("/api/workflows", json=graph("a"))).json()
    assert_error(await script.get(f"/api/workflows/{theirs['id']}"), 404, "WORKFLOW_NOT_FOUND")
    (shown,) = (await ann.get("/api/settings/api-keys")).json()["items"]
    assert shown["scopes"] == ["read", "run", "edit"]
    assert shown["last_used_at"] is not None


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        ("read", {"look": 200, "check": 200, "run": 403, "change": 403}),
        ("run", {"look": 403, "check": 403, "run": 200, "change": 403}),
        ("edit", {"look": 403, "check": 403, "run": 403, "change": 200}),
    ],
)
async def test_a_key_does_what_it_is_for_and_nothing_else(
    scope: str, statuses: dict[str, int], with_key: WithKey, ann: httpx.AsyncClient
) -> None:
    workflow = (await ann.post("/api/workflows", json=graph("a"))).json()
    script = await with_key(scope)
    calls: dict[str, Any] = {
        "look": script.get(f"/api/workflows/{workflow['id']}"),
        "check": script.post("/api/workflows/validate", json=graph("a")),
        "run": script.post(f"/api/workflows/{workflow['id']}/execute?wait=60", json={"inputs": {}}),
        "change": script.put(f"/api/workflows/{workflow['id']}", json=graph("a -> b")),
    }
    answers = {name: await call for name, call in calls.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == statuses
    for answer in answers.values():
        if answer.status_code == 403:
            assert_error(answer, 403, "SCOPE_MISSING")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/settings/api-keys"),
        ("GET", "/api/settings/api-keys"),
        ("POST", "/api/v1/settings/llm"),
        ("POST", "/api/auth/logout"),
    ],
)
async def test_no_key_makes_keys_changes_secrets_or_signs_out(method: str, path: str, with_key: WithKey) -> None:
    script = await with_key()
    answer = await script.request(method, path, json={"name": "mine"} if method == "POST" else None)
    assert answer.status_code in (401, 403)
    assert "awe_" not in answer.text


async def test_a_deleted_key_is_refused_at_once(with_key: WithKey, ann: httpx.AsyncClient, sign_up: SignUp) -> None:
    script = await with_key()
    assert (await script.get("/api/workflows")).status_code == 200
    (shown,) = (await ann.get("/api/settings/api-keys")).json()["items"]
    bob = await sign_up("bob")
    assert_error(await bob.delete(f"/api/settings/api-keys/{shown['id']}"), 404, "API_KEY_NOT_FOUND")
    assert (await ann.delete(f"/api/settings/api-keys/{shown['id']}")).status_code == 204
    assert_error(await script.get("/api/workflows"), 401, "NOT_SIGNED_IN")
    assert_error(await ann.delete(f"/api/settings/api-keys/{shown['id']}"), 404, "API_KEY_NOT_FOUND")


async def test_an_expired_key_is_refused(
    awe: Running, with_key: WithKey, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = iso(utc_now() + timedelta(hours=1))
    made = await ann.post("/api/settings/api-keys", json={"name": "short", "expires_at": soon})
    script = await with_key()
    script.headers["Authorization"] = f"Bearer {made.json()['key']}"
    assert (await script.get("/api/workflows")).status_code == 200
    monkeypatch.setattr(api_keys, "utc_now", lambda: utc_now() + timedelta(hours=2))
    assert_error(await script.get("/api/workflows"), 401, "NOT_SIGNED_IN")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a", "scopes": ["everything"]},
        {"name": "a", "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "a", "expires_at": "tomorrow"},
        {"name": "a", "owner": "bob"},
    ],
)
async def test_what_makes_no_key_is_said(body: dict[str, Any], ann: httpx.AsyncClient) -> None:
    answer = await ann.post("/api/settings/api-keys", json=body)
    assert answer.status_code == 400
    assert (await ann.get("/api/settings/api-keys")).json() == {"items": []}


async def test_an_unknown_key_is_nobody(stranger: httpx.AsyncClient, awe: Running) -> None:
    stranger.headers["Authorization"] = "Bearer awe_" + "x" * 43
    assert_error(await stranger.get("/api/workflows"), 401, "NOT_SIGNED_IN")
