"""``/api/mcp``: the workflows a user offers, as tools of a Model Context Protocol server (streamable HTTP).

Each request stands for itself: no sessions, so any process can answer it, and nothing of one user stays for another.
"""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.types import Receive, Scope, Send

from awe_app.api.deps import CurrentUser
from awe_app.api.gate import MAX_BODY_BYTES
from awe_app.domain.accounts import User
from awe_app.domain.errors import AweError, NotFound
from awe_app.services import services
from awe_app.services.mcp_tools import OfferedWorkflow, Outcome

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server

router = APIRouter(tags=["mcp"])


@router.post("/mcp", response_model=dict[str, Any])
async def mcp(request: Request, user: CurrentUser) -> Response:
    """One message of the Model Context Protocol: point an MCP client here, with your token as bearer token."""
    await asyncio.to_thread(import_module, "mcp.server.lowlevel.server")  # a second of work when it is the first
    return _Exchange(user)


class _Exchange(Response):
    """Answers one request by the MCP library, whose tasks end with it."""

    def __init__(self, user: User) -> None:
        super().__init__()
        self._user = user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        manager = StreamableHTTPSessionManager(
            _server(self._user), stateless=True, max_request_body_size=MAX_BODY_BYTES
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)


def _server(user: User) -> "Server[Any]":
    """A server of that user's tools."""
    import mcp_types as types
    from mcp.server.lowlevel.server import Server
    from mcp.shared.exceptions import MCPError

    async def list_tools(_ctx: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_tool(each) for each in await services().mcp_tools.offered(user)])

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        async def told(finished: int, text: str) -> None:
            await ctx.session.report_progress(finished, None, text)

        try:
            outcome = await services().mcp_tools.call(user, params.name, params.arguments or {}, told)
        except NotFound as error:
            raise MCPError(types.INVALID_PARAMS, error.detail) from None
        except AweError as error:
            outcome = Outcome(f"{error.code}: {error.detail}", is_error=True)
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=outcome.text)],
            structured_content=None if outcome.structured is None else dict(outcome.structured),
            is_error=outcome.is_error,
        )

    return Server(
        "AWE",
        version="1",
        instructions="Each tool runs a workflow of the user and gives its result.",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _tool(offered: OfferedWorkflow) -> Any:
    from mcp_types import Tool

    return Tool(
        name=offered.name,
        title=offered.title,
        description=offered.description,
        input_schema={"type": "object", **offered.parameters},
    )
