"""Call a web address."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from awe_app.domain.errors import NodeFailed
from awe_app.tools.base import Arguments, BaseTool, ToolContext, ToolSettings
from awe_app.tools.hosts import Hosts, check_host, is_allowed
from awe_app.tools.http_auth import SecretAuth, credentials
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


class HttpRequestSettings(ToolSettings):
    allowed_hosts: Hosts = ()
    auth: SecretAuth | None = Field(
        None,
        title="Sign-in",
        description="As in the node http_request; the secret by its name. It goes to the hosts that the secret names.",
    )


class HttpRequestTool(BaseTool[HttpRequestArguments]):
    """Call a public web address, and get its status, headers and body."""

    name = "http_request"
    requires_approval = True
    reads_untrusted = True
    sends_out = True
    Settings = HttpRequestSettings

    async def run(self, ctx: ToolContext[HttpRequestArguments]) -> dict[str, Any]:
        given = ctx.arguments
        settings = ctx.settings if isinstance(ctx.settings, HttpRequestSettings) else HttpRequestSettings(auth=None)
        check_host(given.url, settings.allowed_hosts)
        added = await credentials(settings.auth, given.url, ctx.user_id, ctx.capabilities)
        if clash := {name.lower() for name in added.headers} & {name.lower() for name in given.headers}:
            raise NodeFailed(
                "INVALID_ARGUMENTS", f"the header {min(clash)} is set by the tool's settings", "leave it out"
            )
        exchange = Exchange(
            given.method,
            given.url,
            {**given.headers, **added.headers},
            {**given.query, **added.query},
            given.body,
            max_bytes=MAX_BYTES,
            only_hosts=settings.allowed_hosts,
            hidden=added.hidden,
        )
        return await exchange.run(ctx.capabilities.http, ctx.idempotency_key, ctx.log)

    @classmethod
    def may_send(cls, arguments: Mapping[str, Any], settings: ToolSettings) -> bool:
        return isinstance(settings, HttpRequestSettings) and is_allowed(arguments.get("url"), settings.allowed_hosts)
