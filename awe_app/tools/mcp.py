"""The functions of an MCP server that the user has connected, as a tool."""

import json
import re
from typing import Any

from pydantic import Field

from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.mcp import CALL_S, ChosenFunction
from awe_app.domain.models import FunctionSpec
from awe_app.domain.protocols import Capabilities
from awe_app.tools.base import BaseTool, Offer, OpenArguments, ToolContext, ToolSettings

_LONGEST_NAME = 64
MAX_ARGUMENTS_CHARS = 1_000_000


class McpArguments(OpenArguments):
    """What the function of the server asks for."""


class McpSettings(ToolSettings):
    server: str = Field(
        title="Server",
        description="Id of a server in the settings under MCP.",
        min_length=1,
        json_schema_extra={"widget": "mcp_server"},
    )
    tools: tuple[str, ...] | None = Field(
        None,
        title="Functions",
        description="Names of the functions to use, as the server calls them; empty: all that were chosen there.",
        max_length=200,
    )
    timeout_s: float = Field(CALL_S, title="Time limit", description="Seconds for one call.", gt=0, le=3600)


class Mcp(BaseTool[McpArguments]):
    """Call functions of an MCP server that was connected in the settings.

    Which ones there are is decided there, by hand. A function that its server describes in another way than when it
    was chosen is left out until somebody has looked at it again.
    """

    name = "mcp"
    requires_approval = True
    reads_untrusted = True
    foreign_words = True
    sends_out = True
    Settings = McpSettings

    async def run(self, ctx: ToolContext[McpArguments]) -> Any:
        settings = _settings(ctx.settings)
        user_id = _user(ctx.user_id)
        named = await _named(settings, user_id, ctx.capabilities)
        chosen = named.get(ctx.function)
        if chosen is None and len(named) == 1 and ctx.function in ("", self.name):
            chosen = next(iter(named.values()))  # a tool node, whose settings name the one
        if chosen is None:
            known = ", ".join(named) or "none"
            detail = f"the MCP server '{settings.server}' has no such function among those chosen; known are {known}"
            raise NodeFailed("MCP_TOOL_GONE", detail, "choose functions in the settings under MCP")
        arguments = ctx.arguments.model_extra or {}
        if len(json.dumps(arguments)) > MAX_ARGUMENTS_CHARS:
            raise NodeFailed("INVALID_ARGUMENTS", f"the arguments take more than {MAX_ARGUMENTS_CHARS:,} characters")
        answer = await ctx.capabilities.mcp.call(
            user_id, settings.server, chosen.function, arguments, settings.timeout_s
        )
        if answer.is_error:
            raise NodeFailed("MCP_TOOL_FAILED", str(answer.value)[:4_000] or "the function failed and does not say why")
        return answer.value

    @classmethod
    async def offers(cls, settings: ToolSettings, user_id: UserId | None, capabilities: Capabilities) -> list[Offer]:
        """The chosen functions, as they were described when they were chosen."""
        named = await _named(_settings(settings), _user(user_id), capabilities)
        return [
            Offer(FunctionSpec(name, each.function.description, dict(each.function.parameters)), each.requires_approval)
            for name, each in named.items()
        ]


async def _named(settings: McpSettings, user_id: UserId, capabilities: Capabilities) -> dict[str, ChosenFunction]:
    """The functions to use, by the names models call them by; the same names each time."""
    named: dict[str, ChosenFunction] = {}
    for each in await capabilities.mcp.chosen(user_id, settings.server):
        name = _free_name(f"mcp__{settings.server}__{each.function.name}", named)
        named[name] = each
    if settings.tools is not None:
        named = {name: each for name, each in named.items() if each.function.name in settings.tools}
    return named


def _free_name(wanted: str, taken: dict[str, ChosenFunction]) -> str:
    wanted = re.sub(r"[^a-zA-Z0-9_-]", "_", wanted)[:_LONGEST_NAME]
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted[: _LONGEST_NAME - 1 - len(str(number))]}_{number}"
    return name


def _settings(settings: ToolSettings) -> McpSettings:
    if not isinstance(settings, McpSettings):
        raise NodeFailed("INVALID_SETTING", "mcp: server is missing", "say which server in the tool's settings")
    return settings


def _user(user_id: UserId | None) -> UserId:
    if user_id is None:
        raise NodeFailed("MCP_SERVER_UNKNOWN", "MCP servers belong to a user, and nobody is signed in here")
    return user_id
