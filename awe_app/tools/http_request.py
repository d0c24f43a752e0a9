"""Call a web address."""

from typing import Any, Literal

from pydantic import Field

from awe_app.tools.base import Arguments, BaseTool, ToolContext
from awe_app.tools.http_exchange import Exchange

MAX_BYTES = 1024 * 1024
"""Less than the node reads: what a tool gives, a model has to read."""


class HttpRequestArguments(Arguments):
    url: str = Field(description="Address that begins with https:// or http://.", min_length=1, max_length=8192)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = Field(
        "GET", description="GET reads, the others may change something."
    )
    headers: dict[str, str] = Field({}, description="Header names and values.")
    query: dict[str, Any] = Field({}, description="Parameters added to the address.")
    body: Any = Field(None, description="Objects and lists are sent as JSON, text as it is.")


class HttpRequestTool(BaseTool[HttpRequestArguments]):
    """Call a public web address, and get its status, headers and body."""

    name = "http_request"
    requires_approval = True
    reads_untrusted = True
    sends_out = True

    async def run(self, ctx: ToolContext[HttpRequestArguments]) -> dict[str, Any]:
        given = ctx.arguments
        exchange = Exchange(given.method, given.url, given.headers, given.query, given.body, max_bytes=MAX_BYTES)
        return await exchange.run(ctx.capabilities.http, ctx.idempotency_key, ctx.log)
