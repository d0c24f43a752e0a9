"""Bodies that are refused before anything reads them."""

import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from awe_app.api import gate
from awe_app.api.gate import MAX_BODY_BYTES
from awe_app.api.strict_json import MAX_DEPTH, check_json
from awe_app.domain.errors import Invalid
from tests.api.answers import assert_error

JSON = {"Content-Type": "application/json"}


def nested(depth: int) -> bytes:
    return b'{"a":[' * (depth // 2) + b"[]" * (depth % 2) + b"]}" * (depth // 2)


@pytest.mark.parametrize(
    "body",
    [
        b'{"username": NaN}',
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "\\u0062": 2}}',
        b'["\\ud800"]',
        b'{"\\udfff": 1}',
        b'["\\ud83d\\u0041"]',
        b'["nul \\u0000"]',
        b'{"\\u0000": 1}',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b"{",
        b"{'a': 1}",
        b"[1,]",
        b"{} {}",
        b"nothing",
        b'"raw \x00"',
        b"[" + b"9" * 5_000 + b"]",
        b"[" * 100_000,
        b"]" * 100_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        nested(MAX_DEPTH + 1),
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_what_is_no_good_json_is_refused(stranger: httpx.AsyncClient, body: bytes):
    answer = await stranger.post("/api/auth/login", content=body, headers=JSON)
    assert_error(answer, 400, "INVALID_JSON")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b" [1.5, -2e10, 0, true, null] ",
        '"üñ€😀\u202e"'.encode(),
        b'"\\ud83d\\ude00"',
        b'"a literal \\\\u0000 and \\\\ud800"',
        b'"[[[["' * 1,
        json.dumps("[{" * 1_000).encode(),
        json.dumps(['"[' * 100, "\\"]).encode(),
        json.dumps([{"a": 1}, {"a": 1}] * 100).encode(),
        nested(MAX_DEPTH),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_good_json_passes(body: bytes):
    check_json(body)


@pytest.mark.parametrize("unit", [b'"\\"', b'\\"', b'"', b"[]", b"[" * 60 + b"]" * 60, b"{[", b'"a', b"\\"])
def test_a_large_body_made_to_be_slow_is_refused_as_any_other(unit: bytes):
    with pytest.raises(Invalid):
        check_json(b"[" + unit * (1_000_000 // len(unit)))


async def test_a_body_that_says_it_is_too_large_is_not_read(stranger: httpx.AsyncClient):
    answer = await stranger.post("/api/auth/login", content=b"x" * (MAX_BODY_BYTES + 1), headers=JSON)
    assert_error(answer, 413, "BODY_TOO_LARGE")


async def test_a_body_in_pieces_is_read_no_further_than_the_limit(stranger: httpx.AsyncClient):
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 1024 * 1024

    answer = await stranger.post("/api/auth/login", content=pieces(), headers=JSON)
    assert_error(answer, 413, "BODY_TOO_LARGE")
    assert sent <= 7


async def test_a_body_of_exactly_the_limit_is_looked_at(stranger: httpx.AsyncClient):
    body = b'"' + b"x" * (MAX_BODY_BYTES - 2) + b'"'
    assert_error(await stranger.post("/api/auth/login", content=body, headers=JSON), 400, "INVALID")


async def test_a_body_that_does_not_arrive_is_given_up(api: FastAPI, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gate, "BODY_TIMEOUT_S", 0.01)
    never: list[dict] = []

    async def receive() -> dict:
        import asyncio

        await asyncio.Event().wait()
        return {}

    async def send(message: dict) -> None:
        never.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/auth/login",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await api(scope, receive, send)
    assert never[0]["status"] == 408


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
    ids=str,
)
async def test_a_body_of_another_type_is_refused(stranger: httpx.AsyncClient, headers: dict[str, str]):
    answer = await stranger.post("/api/auth/login", content=gzip.compress(b"{}"), headers=headers)
    assert_error(answer, 400, "INVALID_CONTENT_TYPE")


@pytest.mark.parametrize("address", ["/api/workflows?q=%00", "/api/workflows/%00", "/api/executions/a%00b/logs"])
async def test_a_nul_in_the_address_is_refused(stranger: httpx.AsyncClient, address: str):
    assert_error(await stranger.get(address), 400)


async def test_a_stranger_s_body_is_not_read_where_a_token_is_needed(api: FastAPI):
    read = 0

    async def receive() -> dict:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"[" * 1000, "more_body": True}

    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/workflows", "query_string": b"", "headers": []}
    await api(scope, receive, send)
    assert (sent[0]["status"], read) == (401, 0)


async def test_every_answer_of_the_api_carries_the_headers_that_protect(stranger: httpx.AsyncClient):
    for address in ("/api/auth/me", "/api/nothing", "/health"):
        headers = (await stranger.get(address)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
