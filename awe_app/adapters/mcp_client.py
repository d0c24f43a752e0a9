"""The servers users have connected, for tools: what is stored of them, opened, and called."""

from collections.abc import Mapping, Sequence
from typing import Any

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.mcp_sessions import McpSessions
from awe_app.adapters.mcp_store import McpStore
from awe_app.domain.errors import Invalid, NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.mcp import ChosenFunction, McpAnswer, McpFunction, McpServer

_KEPT = ("name", "description", "parameters", "read_only", "fingerprint")


class McpClients:
    """Implements ``McpServers``."""

    def __init__(self, store: McpStore, secrets: Secrets, sessions: McpSessions) -> None:
        self._store = store
        self._secrets = secrets
        self._sessions = sessions

    async def chosen(self, user_id: UserId, server_id: str) -> Sequence[ChosenFunction]:
        """See ``McpServers.chosen``."""
        data = await self._enabled(user_id, server_id)
        return [
            ChosenFunction(function_of(each), not (data["trusts_read_only"] and each["read_only"]))
            for each in data["tools"]
            if not each["changed"]
        ]

    async def call(
        self, user_id: UserId, server_id: str, function: McpFunction, arguments: Mapping[str, Any], timeout_s: float
    ) -> McpAnswer:
        """See ``McpServers.call``."""
        data = await self._enabled(user_id, server_id)
        server = reached(self._secrets, user_id, server_id, data)
        try:
            return await self._sessions.call(server, function, arguments, timeout_s)
        except NodeFailed as failure:
            if failure.code in ("MCP_TOOL_CHANGED", "MCP_TOOL_GONE"):
                await self._store.change(user_id, server_id, lambda data: _without_trust(data, function))
            raise

    async def _enabled(self, user_id: UserId, server_id: str) -> dict[str, Any]:
        data = await self._store.get(user_id, server_id)
        hint = "connect it in the settings under MCP"
        if data is None:
            raise NodeFailed("MCP_SERVER_UNKNOWN", f"there is no MCP server '{server_id}' of yours", hint)
        if not data["enabled"]:
            raise NodeFailed("MCP_SERVER_OFF", f"the MCP server '{server_id}' is switched off", hint)
        return data


def function_of(stored: Mapping[str, Any]) -> McpFunction:
    """A chosen function as it was stored."""
    return McpFunction(**{key: stored[key] for key in _KEPT})


def reached(secrets: Secrets, user_id: UserId, server_id: str, data: Mapping[str, Any]) -> McpServer:
    """How to reach a stored server. Raises NodeFailed ``SECRET_UNREADABLE``."""
    headers: dict[str, str] = {}
    if data["secret"]:
        try:
            headers[data["header"]] = secrets.open(owner_of(user_id, server_id, data["url"]), data["secret"])
        except Invalid as error:
            raise NodeFailed(error.code, f"the MCP server '{server_id}': {error.detail}", error.hint) from None
    return McpServer(user_id, server_id, data["url"], headers)


def owner_of(user_id: UserId, server_id: str, url: str) -> str:
    """For whom a server's secret is sealed: it opens for this user, this server and this address alone."""
    return f"{user_id} mcp {server_id} {url}"


def _without_trust(data: dict[str, Any] | None, function: McpFunction) -> dict[str, Any] | None:
    """The server with that function marked as changed, if it is still the one that was called."""
    if data is not None:
        data["tools"] = [
            {**each, "changed": each["changed"] or each["fingerprint"] == function.fingerprint}
            if each["name"] == function.name
            else each
            for each in data["tools"]
        ]
    return data
