"""The MCP servers a user has connected, over REST. Secrets go in and never come out."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Body as JsonBody
from pydantic import Field

from awe_app.api.deps import Body, CurrentUser, json_response
from awe_app.api.mcp_shapes import McpServerShape, McpSettingsShape, McpTestShape
from awe_app.services import services

router = APIRouter(prefix="/settings/mcp", tags=["settings"])

McpServerBody = Annotated[
    dict[str, Any],
    JsonBody(
        description="A server by 'id'. 'auth_value' is write-only; 'tools' are names, or {name, fingerprint} as shown.",
        examples=[{"id": "docs", "url": "https://docs.example.org/mcp", "auth_value": "…", "tools": ["search"]}],
    ),
]


class Published(Body):
    """Which workflows."""

    workflow_ids: list[Annotated[str, Field(max_length=100)]] = Field(max_length=1_000)


@router.get("", response_model=McpSettingsShape)
async def get_mcp(user: CurrentUser) -> Response:
    """Your MCP servers, and the workflows that AWE's own offers as tools."""
    return json_response(await services().mcp.shown(user))


@router.post("", response_model=McpServerShape)
async def save_mcp(raw: McpServerBody, user: CurrentUser) -> Response:
    """Add or change a server; what is absent stays."""
    return json_response(await services().mcp.save(user, raw))


@router.post("/workflows", response_model=McpSettingsShape)
async def publish_workflows(body: Published, user: CurrentUser) -> Response:
    """Offer these workflows as tools at `/api/mcp`, and no others."""
    return json_response(await services().mcp.publish(user, body.workflow_ids))


@router.delete("/{server_id}", status_code=204)
async def remove_mcp(server_id: str, user: CurrentUser) -> Response:
    """Forget a server and its secret."""
    await services().mcp.remove(user, server_id)
    return Response(status_code=204)


@router.post("/{server_id}/test", response_model=McpTestShape)
async def test_mcp(server_id: str, user: CurrentUser) -> Response:
    """Ask a server what it offers; what has changed since it was chosen is marked and not called any more."""
    return json_response(await services().mcp.test(user, server_id))
