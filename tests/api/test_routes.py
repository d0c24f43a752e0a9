"""What holds for all routes, checked by looking at every one of them."""

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute

from awe_app.api.app import create_api
from awe_app.api.gate import PUBLIC_API, PUBLIC_PAGES
from tests.api.answers import assert_error
from tests.api.conftest import SignUp

CATCH_ALL = {"/api", "/api/{path:path}", "/health", "/health/{path:path}"}
DOCS = {"/docs", "/docs/oauth2-redirect", "/openapi.json", "/static-offline-docs"}
PROMISED = {
    "POST /api/auth/register",
    "POST /api/auth/login",
    "POST /api/auth/refresh",
    "POST /api/auth/logout",
    "GET /api/auth/me",
    "POST /api/workflows",
    "GET /api/workflows",
    "GET /api/workflows/{workflow_id}",
    "PUT /api/workflows/{workflow_id}",
    "DELETE /api/workflows/{workflow_id}",
    "POST /api/workflows/bulk-delete",
    "POST /api/workflows/validate",
    "POST /api/workflows/{workflow_id}/execute",
    "GET /api/executions",
    "GET /api/executions/{execution_id}",
    "GET /api/executions/{execution_id}/logs",
    "GET /api/executions/{execution_id}/nodes",
    "GET /api/executions/{execution_id}/transcript",
    "POST /api/executions/{execution_id}/cancel",
    "POST /api/executions/{execution_id}/resume",
    "POST /api/executions/{execution_id}/approvals/{node_id}",
    "POST /api/executions/{execution_id}/events/{name}",
    "POST /api/auth/forgot-password",
    "POST /api/auth/reset-password",
    "GET /api/settings/llm",
    "POST /api/settings/llm",
    "POST /api/settings/llm/models",
    "POST /api/settings/llm/test",
    "GET /api/settings/mcp",
    "POST /api/settings/mcp",
    "POST /api/settings/mcp/workflows",
    "DELETE /api/settings/mcp/{server_id}",
    "POST /api/settings/mcp/{server_id}/test",
    "POST /api/mcp",
    "GET /api/settings/secrets",
    "POST /api/settings/secrets",
    "DELETE /api/settings/secrets/{secret_name}",
    "GET /api/settings/api-keys",
    "POST /api/settings/api-keys",
    "DELETE /api/settings/api-keys/{key_id}",
    "GET /api/files",
    "POST /api/files",
    "GET /api/files/{file_name}",
    "DELETE /api/files/{file_name}",
    "GET /api/templates",
    "GET /api/templates/{template_id}",
    "POST /api/templates/{template_id}/use",
    "POST /api/sharing/share",
    "GET /api/sharing/shared",
    "GET /api/sharing",
    "DELETE /api/sharing/{share_id}",
    "GET /api/knowledge/collections",
    "POST /api/knowledge/collections",
    "GET /api/knowledge/collections/{collection_id}",
    "DELETE /api/knowledge/collections/{collection_id}",
    "POST /api/knowledge/collections/{collection_id}/search",
    "GET /api/knowledge/collections/{collection_id}/documents",
    "POST /api/knowledge/collections/{collection_id}/documents",
    "POST /api/knowledge/collections/{collection_id}/documents/files",
    "GET /api/knowledge/collections/{collection_id}/documents/{document_id}",
    "DELETE /api/knowledge/collections/{collection_id}/documents/{document_id}",
    "POST /api/knowledge/collections/{collection_id}/documents/{document_id}/index",
    "GET /api/knowledge/collections/{collection_id}/documents/{document_id}/chunks",
    "GET /api/memories",
    "GET /api/memories/{namespace}",
    "GET /api/memories/{namespace}/export",
    "PATCH /api/memories/{namespace}/{memory_id}",
    "DELETE /api/memories/{namespace}/{memory_id}",
    "DELETE /api/memories/{namespace}",
    "GET /api/nodes",
    "GET /api/models",
    "GET /api/tools",
    "GET /health",
    "GET /health/ready",
}


def routes() -> list[tuple[str, str, APIRoute]]:
    """Method, path and route of everything that is served, the documentation's files and WebSockets apart."""
    found = []
    for context in iter_route_contexts(create_api().routes):
        if not isinstance(context.original_route, APIRoute):
            plain = isinstance(context.original_route, WebSocketRoute) or context.path in CATCH_ALL | DOCS
            assert plain, f"{context.path} is served by something that this test does not know"
            continue
        if context.path in DOCS:
            continue
        path = context.path.replace(":path", "")
        found += [(method, path, context.original_route) for method in sorted(context.methods or ())]
    return found


def test_exactly_what_is_promised_is_served():
    assert {f"{method} {path}" for method, path, _ in routes()} == PROMISED


@pytest.mark.parametrize("prefix", ["/api", "/api/v1"])
@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in routes()])
async def test_no_route_answers_without_a_token_but_the_public_ones(
    stranger: httpx.AsyncClient, method: str, path: str, prefix: str
):
    if path in PUBLIC_API | PUBLIC_PAGES:
        return
    address = path.replace("/api", prefix, 1).replace("{", "").replace("}", "")
    for headers in (
        {},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x.y.z"},
    ):
        answer = await stranger.request(method, address, headers=headers)
        if headers.get("Authorization") != "Bearer x.y.z":
            assert_error(answer, 401, "NOT_SIGNED_IN")


async def test_a_forged_token_opens_no_route(stranger: httpx.AsyncClient, ann: httpx.AsyncClient):
    for method, path, _ in routes():
        if path in PUBLIC_API | PUBLIC_PAGES:
            continue
        address = path.replace("{", "").replace("}", "")
        answer = await stranger.request(method, address, headers={"Authorization": "Bearer x.y.z"})
        assert_error(answer, 401, "NOT_SIGNED_IN")


def test_every_model_that_reads_a_request_refuses_unknown_keys():
    models = 0
    for _, _, route in routes():
        fields = [*route.dependant.body_params, *route.dependant.query_params]
        for field in fields:
            kind = field.field_info.annotation
            for part in (kind, *getattr(kind, "__args__", ())):
                if isinstance(part, type) and issubclass(part, BaseModel):
                    models += 1
                    assert part.model_config.get("extra") == "forbid", part
    assert models >= 9


@pytest.mark.parametrize("key", ["id", "owner_id", "user_id", "role", "is_admin", "created_at", "password_hash"])
async def test_no_route_takes_a_key_that_is_the_server_s(ann: httpx.AsyncClient, key: str):
    bodies = {
        "/api/auth/register": {"username": "eve", "email": "eve@example.org", "password": "correct horse"},
        "/api/auth/login": {"username": "ann", "password": "correct horse"},
        "/api/auth/refresh": {"refresh_token": "x"},
        "/api/workflows": {"name": "Mine", "nodes": [], "edges": []},
        "/api/workflows/bulk-delete": {"ids": []},
        "/api/workflows/x/execute": {"inputs": {}},
        "/api/settings/llm/test": {"provider": "local", "model": "x"},
        "/api/settings/llm/models": {"provider": "local"},
        "/api/sharing/share": {"workflow_id": "x", "user": "ann", "permission": "view"},
    }
    for address, body in bodies.items():
        assert_error(await ann.post(address, json={**body, key: "1"}), 400)


async def test_an_id_of_somebody_else_is_as_good_as_none(sign_up: SignUp):
    ann, bob = await sign_up("ann"), await sign_up("bob")
    workflow = (await ann.post("/api/workflows", json={"name": "Mine", "nodes": [], "edges": []})).json()
    execution = (await ann.post(f"/api/workflows/{workflow['id']}/execute?wait=10", json={})).json()
    ids = {"workflow_id": workflow["id"], "execution_id": execution["execution_id"], "node_id": "ask", "name": "go"}
    bodies = {"PUT": {"name": "Taken", "nodes": [], "edges": []}, "approvals": {"decision": "approved"}, "events": {}}
    tried = 0
    for method, path, _ in routes():
        if not any(f"{{{name}}}" in path for name in ids):
            continue
        body = next((body for name, body in bodies.items() if name in f"{method} {path}"), None)
        answer = await bob.request(method, path.format(**ids), json=body)
        assert_error(answer, 404)
        tried += 1
    assert tried == 12
    assert (await ann.get(f"/api/workflows/{workflow['id']}")).json()["name"] == "Mine"


async def test_the_openapi_document_says_each_route_once_and_no_422(api: FastAPI, stranger: httpx.AsyncClient):
    schema = (await stranger.get("/openapi.json")).json()
    said = {f"{method.upper()} {path}" for path, item in schema["paths"].items() for method in item}
    assert said == PROMISED
    assert schema["info"]["title"] == "AWE"
    assert "422" not in str(schema)
    assert "ValidationError" not in str(schema)
    secured = {path for path, item in schema["paths"].items() for operation in item.values() if "security" in operation}
    assert secured == {path.split(" ")[1] for path in PROMISED} - PUBLIC_API - PUBLIC_PAGES


async def test_the_docs_need_no_other_site(stranger: httpx.AsyncClient):
    page = await stranger.get("/docs")
    assert page.status_code == 200
    assert "//cdn" not in page.text
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js"):
        assert f"/static-offline-docs/{asset}" in page.text
        assert (await stranger.get(f"/static-offline-docs/{asset}")).status_code == 200


async def test_v1_and_a_slash_at_the_end_lead_to_the_same_place(ann: httpx.AsyncClient):
    answers = [await ann.get(f"{base}/nodes{end}") for base in ("/api", "/api/v1") for end in ("", "/")]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


async def test_health_needs_no_token(stranger: httpx.AsyncClient, ann: httpx.AsyncClient):
    assert (await stranger.get("/health")).json() == {"status": "healthy"}
    checks = {"database": True, "sandbox": True}
    assert (await stranger.get("/health/ready")).json() == {"status": "healthy", "checks": checks}


async def test_what_is_mounted_beneath_gets_everything_else_untouched(api: FastAPI, stranger: httpx.AsyncClient):
    """As Reflex mounts itself; it adds CORS as the outermost layer too."""
    api.mount("", PlainTextResponse("a page"))
    for address in ("/", "/workflows", "/apiary", "/_event"):
        answer = await stranger.get(address)
        assert (answer.status_code, answer.text) == (200, "a page")
        assert "content-security-policy" not in answer.headers
    assert_error(await stranger.get("/api/nothing"), 404)
    assert_error(await stranger.post("/api/auth/login", content=b"{"), 400)
    assert (await stranger.post("/_upload", content=b"\xff{")).text == "a page"


async def test_what_pages_upload_is_refused_unread_when_it_is_too_large(api: FastAPI, stranger: httpx.AsyncClient):
    """Reflex would read all of it before it asks who is there."""
    api.mount("", PlainTextResponse("a page"))
    for headers in ({"content-length": str(66 * 1024**2)}, {"content-length": "many"}):
        assert_error(await stranger.post("/_upload", content=b"x", headers=headers), 413)

    async def pieces():
        yield b"x"

    assert_error(await stranger.post("/_upload", content=pieces()), 413)
    assert (await stranger.get("/_upload")).text == "a page"
