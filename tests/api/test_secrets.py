"""Secrets over REST, and on their way into calls: seen by the server that is called and by nobody else."""

import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from awe_app.adapters.outbound import Outbound
from awe_app.composition import Running
from tests.api.answers import assert_error
from tests.builders import graph, node
from tests.http_server import HttpServer, says

VALUE = "s3cr3t-t0ken/with+signs-9876"


async def keep(client: httpx.AsyncClient, name: str = "github", value: str = VALUE, *hosts: str) -> httpx.Response:
    body = {"name": name, "value": value, "hosts": hosts or ("api.github.com",)}
    return await client.post("/api/settings/secrets", json=body)


async def run(client: httpx.AsyncClient, config: dict[str, Any], inputs: dict[str, Any] | None = None) -> Any:
    raw = graph("call -> end", node("call", "http_request", config), node("end", "output", {}))
    made = await client.post("/api/workflows", json=raw)
    assert made.status_code == 201, made.text
    return (
        await client.post(f"/api/workflows/{made.json()['id']}/execute?wait=30", json={"inputs": inputs or {}})
    ).json()


async def test_values_go_in_and_never_come_out(ann: httpx.AsyncClient, bob: httpx.AsyncClient):
    saved = await keep(ann)
    assert saved.status_code == 200
    assert set(saved.json()) == {"name", "last4", "hosts", "created_at", "updated_at"}
    assert (saved.json()["last4"], saved.json()["hosts"]) == ("9876", ["api.github.com"])
    listed = await ann.get("/api/settings/secrets")
    assert [each["name"] for each in listed.json()["items"]] == ["github"]
    assert VALUE not in saved.text + listed.text
    assert (await bob.get("/api/settings/secrets")).json() == {"items": []}
    assert_error(await bob.delete("/api/settings/secrets/github"), 404, "SECRET_NOT_FOUND")
    assert (await ann.delete("/api/settings/secrets/github")).status_code == 204
    assert_error(await ann.delete("/api/settings/secrets/github"), 404, "SECRET_NOT_FOUND")


async def test_a_secret_that_goes_elsewhere_has_to_be_entered_again(ann: httpx.AsyncClient):
    await keep(ann)
    same = await ann.post("/api/settings/secrets", json={"name": "github", "hosts": ["api.github.com"]})
    assert (same.status_code, same.json()["last4"]) == (200, "9876")
    moved = await ann.post("/api/settings/secrets", json={"name": "github", "hosts": ["evil.example"]})
    assert_error(moved, 400, "INVALID_SETTINGS")
    assert (await keep(ann, "github", "another-value-4321", "evil.example")).json()["last4"] == "4321"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x", "value": VALUE},
        {"name": "x", "hosts": ["a.example"]},
        {"name": "x", "value": VALUE, "hosts": []},
        {"name": "x", "value": VALUE, "hosts": ["*"]},
        {"name": "x", "value": VALUE, "hosts": ["https://a.example"]},
        {"name": "x y", "value": VALUE, "hosts": ["a.example"]},
        {"name": "x", "value": VALUE + "\r\nX: y", "hosts": ["a.example"]},
        {"name": "x", "value": "", "hosts": ["a.example"]},
        {"name": "x", "value": VALUE, "hosts": ["a.example"], "owner": "bob"},
    ],
)
async def test_what_is_wrong_is_told_without_the_value(body: dict[str, Any], ann: httpx.AsyncClient):
    refused = await ann.post("/api/settings/secrets", json=body)
    assert_error(refused, 400, "INVALID_SETTINGS")
    assert VALUE not in refused.text
    assert (await ann.get("/api/settings/secrets")).json() == {"items": []}


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "token": {"secret": "github"}},
        {"type": "basic", "username": "ann", "password": {"secret": "github"}},
        {"type": "header", "name": "X-Key", "value": {"secret": "github"}},
        {"type": "query", "name": "key", "value": {"secret": "github"}},
    ],
)
async def test_only_the_server_that_is_called_sees_it(
    auth: dict[str, Any], awe: Running, ann: httpx.AsyncClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)

    async def echoes(asked: Any, writer: Any) -> None:
        seen = json.dumps({"target": asked.target, "headers": dict(asked.headers)})
        await says(seen, content_type="application/json", **{"X-Echo": VALUE})(asked, writer)

    async with HttpServer() as server:
        server.otherwise = echoes
        awe.outside.http._outbound = Outbound([server.host])
        await keep(ann, "github", VALUE, server.host)
        ended = await run(ann, {"url": f"{server.url}/x", "auth": auth})
        stored = await ann.get(f"/api/executions/{ended['execution_id']}")
        logs = await ann.get(f"/api/executions/{ended['execution_id']}/logs")
        sent = server.asked[0]
    assert ended["status"] == "completed", ended
    assert "***" in json.dumps(ended["result"])
    from base64 import b64encode
    from urllib.parse import unquote

    pair = b64encode(f"ann:{VALUE}".encode()).decode()
    assert VALUE in unquote(sent.target) + str(sent.headers) or pair in str(sent.headers)
    for secret in (VALUE, pair, httpx.QueryParams(k=VALUE).__str__()[2:]):
        assert secret not in json.dumps(ended) + stored.text + logs.text + caplog.text
        for file in tmp_path.rglob("*"):
            assert not file.is_file() or secret.encode() not in file.read_bytes()


async def test_a_secret_is_sent_to_no_other_host_and_for_nobody_else(
    awe: Running, ann: httpx.AsyncClient, bob: httpx.AsyncClient
):
    async with HttpServer() as server:
        awe.outside.http._outbound = Outbound([server.host])
        config = {"url": server.url, "auth": {"type": "bearer", "token": {"secret": "github"}}}
        await keep(ann)
        elsewhere = await run(ann, config)
        nobody = await run(bob, config)
        await keep(ann, "github", VALUE, server.host)
        whole = await run(bob, config)
    assert elsewhere["error"]["code"] == "SECRET_NOT_FOR_HOST"
    assert (nobody["error"]["code"], whole["error"]["code"]) == ("SECRET_NOT_FOUND", "SECRET_NOT_FOUND")
    assert server.asked == []


async def test_a_secret_in_the_workflow_itself_is_warned_of(ann: httpx.AsyncClient):
    def issues(auth: dict[str, Any]) -> dict[str, Any]:
        return graph("call", node("call", "http_request", {"url": "https://example.com", "auth": auth}))

    checked = (await ann.post("/api/workflows/validate", json=issues({"type": "bearer", "token": "abc"}))).json()
    assert [(each["severity"], each["code"], each["field"]) for each in checked["issues"]] == [
        ("warning", "LITERAL_SECRET", "http_request_config.auth.token")
    ]
    assert checked["valid"] is True
    for fine in ({"secret": "github"}, "{{ execution.id }}"):
        named = (await ann.post("/api/workflows/validate", json=issues({"type": "bearer", "token": fine}))).json()
        assert named["issues"] == []
