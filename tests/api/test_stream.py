"""The WebSocket, over a real connection to a real server."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI
from granian.constants import Interfaces
from granian.server.embed import Server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from awe_app.api import stream
from awe_app.composition import Running
from awe_app.domain.errors import Forbidden
from tests.api.holding import Hold
from tests.builders import graph, node

Connect = Callable[..., connect]


@pytest.fixture
async def viewer(awe: Running, api: FastAPI) -> AsyncIterator[Connect]:
    """``viewer(execution_id)`` connects to a server that serves the API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(api, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False)
    serving = asyncio.ensure_future(server.serve())
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.01)

    def view(execution_id: str, query: str = "", base: str = "/api", **options: object) -> connect:
        return connect(f"ws://127.0.0.1:{port}{base}/ws/executions/{execution_id}{query}", proxy=None, **options)

    yield view
    server.stop()
    await serving


def bearer(client: httpx.AsyncClient) -> dict[str, str]:
    return {"Authorization": client.headers["Authorization"]}


def token(client: httpx.AsyncClient) -> str:
    return json.dumps({"token": client.headers["Authorization"].removeprefix("Bearer ")})


async def run(client: httpx.AsyncClient) -> dict:
    """An execution that has ended."""
    stored = await client.post("/api/workflows", json=graph("a -> b -> end", node("end", "output", {"value": "done"})))
    return (await client.post(f"/api/workflows/{stored.json()['id']}/execute?wait=30")).json()


async def held(client: httpx.AsyncClient) -> str:
    """An execution that waits in the middle; gives its id."""
    stored = await client.post("/api/workflows", json=graph("wait -> after", node("wait", "hold")))
    started = await client.post(f"/api/workflows/{stored.json()['id']}/execute")
    await asyncio.wait_for(Hold.reached.wait(), 10)
    return started.json()["execution_id"]


async def all_of(connection: ClientConnection) -> tuple[list[dict], int | None]:
    """Every message until the server closes, and the code it closes with."""
    messages = []
    try:
        async with asyncio.timeout(20):
            while True:
                messages.append(json.loads(await connection.recv()))
    except ConnectionClosed:
        return messages, connection.close_code


@pytest.mark.parametrize("base", ["/api", "/api/v1"])
async def test_who_comes_late_gets_everything_in_order_and_a_proper_end(
    viewer: Connect, ann: httpx.AsyncClient, base: str
):
    execution = await run(ann)
    async with viewer(execution["execution_id"], base=base, additional_headers=bearer(ann)) as connection:
        messages, code = await all_of(connection)
    assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
    assert {message["type"] for message in messages} <= {"log", "state", "error", "complete"}
    assert messages[-1]["type"] == "complete"
    assert messages[-1]["data"] == {
        "status": "completed",
        "result": "done",
        "error": None,
        "usage": execution["usage"],
    }
    assert code == 1000


async def test_after_seq_leaves_out_what_is_known(viewer: Connect, ann: httpx.AsyncClient):
    execution_id = (await run(ann))["execution_id"]
    async with viewer(execution_id, additional_headers=bearer(ann)) as connection:
        everything, _ = await all_of(connection)
    last = everything[-1]["seq"]
    for after_seq in (0, 1, last - 1, last, last + 5):
        async with viewer(execution_id, f"?after_seq={after_seq}", additional_headers=bearer(ann)) as connection:
            assert await all_of(connection) == (everything[after_seq:], 1000)


async def test_the_token_may_come_as_the_first_message(viewer: Connect, ann: httpx.AsyncClient):
    async with viewer((await run(ann))["execution_id"]) as connection:
        await connection.send(token(ann))
        messages, code = await all_of(connection)
    assert (messages[-1]["type"], code) == ("complete", 1000)


async def test_what_happens_is_told_live(viewer: Connect, ann: httpx.AsyncClient, hold: type[Hold]):
    execution_id = await held(ann)
    async with viewer(execution_id, additional_headers=bearer(ann)) as connection:
        seen = []
        while not seen or seen[-1]["data"].get("node_id") != "wait":
            seen.append(json.loads(await connection.recv()))
        hold.released.set()
        rest, code = await all_of(connection)
    messages = seen + rest
    assert [message["seq"] for message in messages] == list(range(1, len(messages) + 1))
    states = [(m["data"]["node_id"], m["data"]["status"]) for m in messages if m["data"].get("node_id")]
    assert ("wait", "running") in states
    assert states.index(("wait", "completed")) < states.index(("after", "completed"))
    assert code == 1000


async def test_a_second_connection_goes_on_where_the_first_broke_off(
    viewer: Connect, ann: httpx.AsyncClient, hold: type[Hold]
):
    execution_id = await held(ann)
    async with viewer(execution_id, additional_headers=bearer(ann)) as connection:
        first = json.loads(await connection.recv())
        connection.transport.abort()
    hold.released.set()
    async with viewer(execution_id, f"?after_seq={first['seq']}", additional_headers=bearer(ann)) as connection:
        rest, code = await all_of(connection)
    assert [message["seq"] for message in rest] == list(range(2, len(rest) + 2))
    assert (rest[-1]["type"], code) == ("complete", 1000)


async def test_cancelling_is_told(viewer: Connect, ann: httpx.AsyncClient, hold: type[Hold]):
    execution_id = await held(ann)
    async with viewer(execution_id, additional_headers=bearer(ann)) as connection:
        await ann.post(f"/api/executions/{execution_id}/cancel")
        messages, code = await all_of(connection)
    assert (messages[-1]["type"], messages[-1]["data"]["status"], code) == ("complete", "cancelled", 1000)


@pytest.mark.parametrize(
    "first",
    [
        "{}",
        '{"token": 7}',
        '{"token": ""}',
        '{"token": "x.y.z"}',
        "garbage",
        "[" * 3_000,
        "7",
        b"\xff\x00",
        '"' * 99_999,
    ],
    ids=lambda first: repr(first[:8]),
)
async def test_a_first_message_without_a_good_token_is_4401(
    viewer: Connect, ann: httpx.AsyncClient, first: str | bytes
):
    async with viewer((await run(ann))["execution_id"]) as connection:
        await connection.send(first)
        assert await all_of(connection) == ([], 4401)


async def test_a_bad_header_is_4401(viewer: Connect, ann: httpx.AsyncClient):
    execution_id = (await run(ann))["execution_id"]
    async with viewer(execution_id, additional_headers={"Authorization": "Bearer x.y.z"}) as connection:
        assert await all_of(connection) == ([], 4401)


async def test_who_says_nothing_is_4401(viewer: Connect, ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "TOKEN_TIMEOUT_S", 0.05)
    async with viewer((await run(ann))["execution_id"]) as connection:
        assert await all_of(connection) == ([], 4401)


async def test_what_is_unknown_or_somebody_else_s_is_4404(
    viewer: Connect, ann: httpx.AsyncClient, bob: httpx.AsyncClient
):
    execution_id = (await run(ann))["execution_id"]
    for client, wanted in ((bob, execution_id), (ann, "unheard-of"), (ann, "😀")):
        async with viewer(wanted, additional_headers=bearer(client)) as connection:
            assert await all_of(connection) == ([], 4404)


async def test_what_may_be_seen_but_not_followed_is_4403(
    viewer: Connect, ann: httpx.AsyncClient, awe: Running, monkeypatch: pytest.MonkeyPatch
):
    async def refuse(*_: object) -> None:
        raise Forbidden("NO", "not this")

    monkeypatch.setattr(type(awe.services.executions), "_visible", refuse)
    async with viewer("x", additional_headers=bearer(ann)) as connection:
        assert await all_of(connection) == ([], 4403)


@pytest.mark.parametrize("stops", [True, False], ids=["revoked", "no longer public"])
async def test_who_may_no_longer_see_the_workflow_is_cut_off_with_4404(
    viewer: Connect, ann: httpx.AsyncClient, bob: httpx.AsyncClient, hold: type[Hold], stops: bool
):
    file = {**graph("wait -> after", node("wait", "hold")), "is_public": not stops}
    workflow_id = (await ann.post("/api/workflows", json=file)).json()["id"]
    share = {"workflow_id": workflow_id, "user": "bob", "permission": "run"}
    share_id = (await ann.post("/api/sharing/share", json=share)).json()["id"] if stops else ""
    started = await bob.post(f"/api/workflows/{workflow_id}/execute")
    await asyncio.wait_for(Hold.reached.wait(), 10)
    async with viewer(started.json()["execution_id"], additional_headers=bearer(bob)) as connection:
        await connection.recv()
        if stops:
            await ann.delete(f"/api/sharing/{share_id}")
        else:
            await ann.put(f"/api/workflows/{workflow_id}", json={**file, "is_public": False})
        messages, code = await all_of(connection)
    assert code == 4404
    assert "complete" not in {message["type"] for message in messages}


@pytest.mark.parametrize("after_seq", ["-1", "x", "1.5", "", "9" * 30, "%00", "\u0661"])
async def test_an_after_seq_that_is_no_number_is_4400(viewer: Connect, ann: httpx.AsyncClient, after_seq: str):
    async with viewer("x", f"?after_seq={after_seq}", additional_headers=bearer(ann)) as connection:
        assert await all_of(connection) == ([], 4400)


async def test_pages_of_other_sites_are_4403_and_of_ours_and_the_named_ones_welcome(
    viewer: Connect, ann: httpx.AsyncClient
):
    execution_id = (await run(ann))["execution_id"]
    async with viewer(execution_id, additional_headers=bearer(ann)) as connection:
        host = connection.request.headers["Host"]
        await all_of(connection)
    cases = {
        f"http://{host}": 1000,
        "https://elsewhere.example.org": 1000,
        "https://evil.example": 4403,
        "https://elsewhere.example.org.evil.io": 4403,
        f"http://{host}.evil.io": 4403,
        "null": 4403,
    }
    for origin, expected in cases.items():
        async with viewer(execution_id, origin=origin, additional_headers=bearer(ann)) as connection:
            messages, code = await all_of(connection)
        assert (origin, code, bool(messages)) == (origin, expected, expected == 1000)


async def test_a_viewer_who_leaves_is_let_go_at_once_and_the_execution_goes_on(
    viewer: Connect, ann: httpx.AsyncClient, hold: type[Hold], awe: Running, monkeypatch: pytest.MonkeyPatch
):
    ended = asyncio.Event()
    follow = type(awe.services.executions).follow

    async def watched(*args: object):
        try:
            async for message in follow(*args):  # type: ignore[arg-type]
                yield message
        finally:
            ended.set()

    monkeypatch.setattr(type(awe.services.executions), "follow", watched)
    execution_id = await held(ann)
    async with viewer(execution_id, additional_headers=bearer(ann)) as connection:
        await connection.recv()
        assert not ended.is_set()
    await asyncio.wait_for(ended.wait(), 5)
    hold.released.set()
    async with asyncio.timeout(20):
        while (await ann.get(f"/api/executions/{execution_id}")).json()["status"] != "completed":
            await asyncio.sleep(0.01)


async def test_what_a_viewer_sends_is_ignored(viewer: Connect, ann: httpx.AsyncClient, hold: type[Hold]):
    execution_id = await held(ann)
    async with viewer(execution_id, additional_headers=bearer(ann)) as connection:
        for _ in range(200):
            await connection.send("garbage")
            await connection.send(b"\xff\x00")
        hold.released.set()
        messages, code = await all_of(connection)
    assert (messages[-1]["type"], code) == ("complete", 1000)


async def test_signing_out_ends_the_connection(
    viewer: Connect, ann: httpx.AsyncClient, hold: type[Hold], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream, "RECHECK_S", 0.05)
    execution_id = await held(ann)
    async with viewer(execution_id, additional_headers=bearer(ann)) as connection:
        await connection.recv()
        await ann.post("/api/auth/logout")
        _, code = await all_of(connection)
    assert code == 4401


async def test_a_failure_inside_is_1011_and_logged(
    viewer: Connect,
    ann: httpx.AsyncClient,
    awe: Running,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    async def fail(*_: object) -> None:
        raise RuntimeError("c4n4ry")

    monkeypatch.setattr(type(awe.services.executions), "_visible", fail)
    with caplog.at_level(logging.ERROR):
        async with viewer("x", additional_headers=bearer(ann)) as connection:
            assert await all_of(connection) == ([], 1011)
            assert "c4n4ry" not in (connection.close_reason or "")
    assert "c4n4ry" in caplog.text
