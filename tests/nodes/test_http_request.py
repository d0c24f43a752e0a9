"""The http_request node, with the real client and a real server on this machine."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from awe_app.adapters.http import HttpClient
from awe_app.domain.execution import ExecutionState
from awe_app.domain.protocols import Capabilities
from awe_app.engine.validate import validate
from awe_app.nodes.http_request import HttpRequest
from awe_app.nodes.registry import discover
from tests.builders import graph, node, read, run
from tests.http_server import HttpServer, never, says, sends_on

UMLAUT_PAIR = base64.b64encode("ü:p:w".encode()).decode()


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with HttpServer() as running:
        yield running


async def call(server: HttpServer, **config: Any) -> ExecutionState:
    """One workflow with one call in it."""
    client = HttpClient([server.host])
    rest = {name: config.pop(name) for name in ("retry", "on_error") if name in config}
    made = node("call", "http_request", {"url": server.url, **config}, **rest)
    capabilities = Capabilities(models=None, http=client)  # type: ignore[arg-type]
    state, _events = await run(graph("call", made), {"id": 7, "token": "s3cret"}, capabilities=capabilities)
    await client.stop()
    return state


async def test_it_gives_status_headers_and_body(server: HttpServer):
    server.otherwise = says('{"a": [1, 2.5, "ü"]}', content_type="application/json", X_Request_Id="9")
    state = await call(server, url=server.url + "/items/{{ inputs.id }}?old=1", query={"q": ["a b", 2], "none": None})
    output = state.node_states["call"].output
    assert state.result == {"call": output}
    assert output["status"] == 200
    assert output["body"] == {"a": [1, 2.5, "ü"]}
    assert output["headers"]["x-request-id"] == "9"
    asked = server.asked[0]
    assert (asked.method, asked.target) == ("GET", "/items/7?old=1&q=a+b&q=2")
    assert "idempotency-key" not in asked.headers


@pytest.mark.parametrize(
    ("body", "headers", "sent", "content_type"),
    [
        ({"a": 1}, {}, b'{"a": 1}', "application/json"),
        (["ü"], {}, '["ü"]'.encode(), "application/json"),
        ('{"a": 1}', {}, b'{"a": 1}', "application/json"),
        ("{no json", {}, b"{no json", "text/plain; charset=utf-8"),
        ("<a/>", {"content-type": "application/xml"}, b"<a/>", "application/xml"),
        ({"a": "b c", "d": [1, 2]}, {"Content-Type": "application/x-www-form-urlencoded"}, b"a=b+c&d=1&d=2",
         "application/x-www-form-urlencoded"),
        (7, {}, b"7", "application/json"),
    ],
)  # fmt: skip
async def test_bodies_are_sent_as_what_they_are(
    body: Any, headers: dict[str, str], sent: bytes, content_type: str, server: HttpServer
):
    state = await call(server, method="POST", body=body, headers=headers)
    assert state.status == "completed"
    assert (server.asked[0].body, server.asked[0].headers["content-type"]) == (sent, content_type)


@pytest.mark.parametrize(
    ("body", "content_type", "given"),
    [
        (b"plain", "text/plain", "plain"),
        ("naïve".encode("latin-1"), "text/html; charset=iso-8859-1", "naïve"),
        (b"", "", None),
        (b'{"a":1}', "application/problem+json; charset=utf-8", {"a": 1}),
        (b"{broken", "application/json", "{broken"),
        (b'{"a": NaN}', "application/json", '{"a": NaN}'),
        (b"[1e999]", "application/json", "[1e999]"),
        (b"[" * 5000 + b"]" * 5000, "application/json", "[" * 5000 + "]" * 5000),
        (b"[" * 65 + b"]" * 65, "application/json", "[" * 65 + "]" * 65),
        (b"9" * 5000, "application/json", "9" * 5000),
        (b"\x89PNG\x00\xff", "image/png", {"content_type": "image/png", "base64": "iVBORwD/"}),
        (b"caf\xe9", "text/plain", "café"),
    ],
)  # fmt: skip
async def test_bodies_are_read_as_what_they_are(body: bytes, content_type: str, given: Any, server: HttpServer):
    server.otherwise = says(body, content_type=content_type)
    state = await call(server)
    assert state.status == "completed"
    assert state.node_states["call"].output["body"] == given


async def test_what_does_something_twice_carries_a_key_that_tells_it_is_the_same(server: HttpServer):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        await call(server, method=method)
    await call(server, method="POST", headers={"idempotency-key": "mine"})
    assert [asked.headers["idempotency-key"] for asked in server.asked] == ["test:call:"] * 4 + ["mine"]


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "basic", "username": "ü", "password": "p:w"}, "authorization", f"Basic {UMLAUT_PAIR}"),
        ({"type": "bearer", "token": "{{ inputs.token }}"}, "authorization", "Bearer s3cret"),
        ({"type": "header", "name": "X-Key", "value": "k"}, "x-key", "k"),
    ],
)  # fmt: skip
async def test_it_proves_who_calls(auth: dict[str, str], header: str, value: str, server: HttpServer):
    await call(server, auth=auth)
    assert server.asked[0].headers[header] == value


async def test_secrets_stand_in_no_log_and_no_error(server: HttpServer):
    server.otherwise = sends_on("http://10.0.0.1/")
    auth = {"type": "query", "name": "key", "value": "{{ inputs.token }}"}
    for config in ({}, {"on_error": "continue"}, {"timeout_s": 0.000001}):
        state = await call(server, auth=auth, headers={"X-Other": "{{ inputs.token }}"}, **config)
        assert "s3cret" not in json.dumps(state.as_json(), default=str)
    assert server.asked[0].target == "/?key=s3cret"


async def test_any_status_is_an_answer_unless_it_is_to_fail(server: HttpServer):
    server.otherwise = says('{"why": "gone"}', 503, "application/json")
    state = await call(server)
    assert (state.status, state.node_states["call"].output["status"]) == ("completed", 503)
    failed = await call(server, fail_on_error_status=True, retry={"max_attempts": 3, "backoff_s": 0})
    assert failed.error
    assert (failed.status, failed.error["code"], failed.node_states["call"].attempts) == ("failed", "HTTP_STATUS", 3)
    server.otherwise = says("no", 404)
    refused = await call(server, fail_on_error_status=True, retry={"max_attempts": 3, "backoff_s": 0})
    assert refused.node_states["call"].attempts == 1


async def test_a_call_that_was_lost_is_tried_again_when_asked_to(server: HttpServer):
    server.otherwise = never
    state = await call(server, timeout_s=0.2, retry={"max_attempts": 2, "backoff_s": 0})
    assert state.error
    assert state.error["code"] == "HTTP_TIMEOUT"
    assert (state.node_states["call"].attempts, len(server.asked)) == (2, 2)


async def test_addresses_inside_are_refused(server: HttpServer):
    state = await call(server, url="http://169.254.169.254/latest/meta-data/")
    assert state.error
    assert state.error["code"] == "ADDRESS_BLOCKED"


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({}, "MISSING_SETTING"),
        ({"url": ""}, "INVALID_SETTING"),
        ({"url": "example.com"}, "INVALID_SETTING"),
        ({"url": "https://example.com", "method": "FETCH"}, "INVALID_SETTING"),
        ({"url": "https://example.com", "timeout_s": 0}, "INVALID_SETTING"),
        ({"url": "https://example.com", "auth": {"type": "bearer"}}, "INVALID_SETTING"),
        ({"url": "https://example.com", "auth": {"type": "basic", "user": "x"}}, "UNKNOWN_KEY"),
        ({"url": "https://example.com", "verify": False}, "UNKNOWN_KEY"),
        ({"url": "https://example.com", "headers": ["x"]}, "INVALID_SETTING"),
    ],
)
def test_settings_that_do_not_work_are_told_before_a_run(config: dict[str, Any], code: str):
    issues = validate(read(graph("call", node("call", "http_request", config))), discover())
    assert [issue.code for issue in issues] == [code]
    assert "hunter" not in str(issues)


@pytest.mark.parametrize(
    "config", [{"url": "{{ inputs.url }}"}, {"url": "https://x.example", "method": "{{ inputs.m }}"}]
)
def test_expressions_fit_anywhere(config: dict[str, Any]):
    assert not validate(read(graph("call", node("call", "http_request", config))), discover())


def test_the_card_says_what_is_called_and_no_query():
    assert HttpRequest.summary({"method": "POST", "url": "https://x.example/a?key=1"}) == "POST https://x.example/a"
    assert HttpRequest.summary({}) == "GET"
