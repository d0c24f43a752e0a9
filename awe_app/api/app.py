"""The API as one FastAPI application, for Reflex to mount itself under (``api_transformer``)."""

from collections.abc import Sequence
from typing import Any

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from awe_app.api import (
    api_keys,
    auth,
    catalog,
    errors,
    executions,
    files,
    health,
    knowledge,
    mcp_server,
    mcp_settings,
    memories,
    settings,
    sharing,
    stream,
    templates,
    workflows,
)
from awe_app.api.deps import current_user
from awe_app.api.gate import Gate
from awe_app.api.shapes import ErrorShape

DESCRIPTION = """The REST interface of AWE, the Agentic Workflow Engine.

Register, log in, and send `Authorization: Bearer <access_token>`. Every address under `/api` is also there under
`/api/v1`. An execution as it happens: WebSocket `/api/ws/executions/{execution_id}`.
"""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def create_api(origins: Sequence[str] = ()) -> FastAPI:
    """Build the API. ``origins`` are the other sites whose pages may open WebSockets (``CORS_ORIGINS``).

    Nothing is opened here: routes ask ``services()`` when they are called.
    """
    api = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        title="AWE",
        version="1",
        description=DESCRIPTION,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        responses={status: {"model": ErrorShape} for status in ("4XX", "5XX")},
        separate_input_output_schemas=False,
    )
    api.state.origins = frozenset(origins)
    errors.install(api)
    api.include_router(health.router)
    api.include_router(auth.router, prefix="/api")
    for part in (
        workflows,
        executions,
        settings,
        api_keys,
        templates,
        sharing,
        catalog,
        memories,
        knowledge,
        files,
        mcp_settings,
        mcp_server,
    ):
        # The dependency stands here too, so that a new route without a user is closed and not open.
        api.include_router(part.router, prefix="/api", dependencies=[Depends(current_user)])
    api.include_router(stream.router, prefix="/api")
    known = tuple(api.routes)
    for path in ("/api", "/api/{path:path}", "/health", "/health/{path:path}"):
        api.router.routes.append(Route(path, _Unknown(known), include_in_schema=False))
    api.add_middleware(Gate)
    _leave_out_422(api)
    return api


class _Unknown:
    """The last route of the API: 405 where another method would do, else 404. Reflex would answer in HTML."""

    def __init__(self, known: Sequence[BaseRoute]) -> None:
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = [method for method in METHODS if self._takes({**scope, "method": method})]
        response = errors.of_status(405, {"Allow": ", ".join(allowed)}) if allowed else errors.of_status(404)
        await response(scope, receive, send)

    def _takes(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._known)


def _leave_out_422(api: FastAPI) -> None:
    """FastAPI documents an answer that AWE never gives."""
    make = api.openapi

    def openapi() -> dict[str, Any]:
        schema = make()
        for path in schema["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(name, None)
        return schema

    api.openapi = openapi  # type: ignore[method-assign]
