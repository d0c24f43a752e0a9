"""The MCP servers a user has connected, and the workflows offered by AWE's own. Secrets go in and never come out."""

import re
import time
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.mcp_client import owner_of, reached
from awe_app.adapters.mcp_sessions import STDIO, McpSessions
from awe_app.adapters.mcp_store import McpStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, Invalid, Issue, NodeFailed, NotFound
from awe_app.domain.ids import UserId, WorkflowId
from awe_app.domain.mcp import MAX_FUNCTIONS, McpFunction
from awe_app.services.workflows import Workflows

MAX_SERVERS = 20
MAX_PUBLISHED = 100
_MAX_KEPT_CHARS = 1_000_000
"""Of all chosen functions of one server."""
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_NOT_FOR_AUTH = re.compile(
    r"host|content-.*|transfer-encoding|connection|accept.*|upgrade|te|trailer|expect|mcp-.*|last-event-id", re.I
)


class ToolChoice(BaseModel):
    """One chosen tool. With a ``fingerprint`` it is chosen as it was shown, or not at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=128)
    fingerprint: str | None = Field(default=None, max_length=64)


class ServerChange(BaseModel):
    """The body of ``POST /api/settings/mcp``. What is absent stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    name: Annotated[str, StringConstraints(max_length=100, strip_whitespace=True)] = ""
    url: str = Field(max_length=2000)
    auth_header: str = "Authorization"
    auth_value: str | None = Field(None, max_length=4096)
    """Write-only. Absent or null keeps the stored one, an empty text removes it."""
    enabled: bool = True
    trusts_read_only: bool = False
    """Functions of which the server says that they only read need no approval."""
    tools: tuple[ToolChoice | str, ...] | None = Field(None, max_length=MAX_FUNCTIONS)

    @field_validator("url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        url = url.strip()
        if url.startswith(STDIO):
            return url
        try:
            parts = urlsplit(url)
            plain = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and parts.port != 0
        except ValueError:  # no port, or no IPv6 address
            plain = False
        if not plain or "#" in url or not url.isprintable():
            raise ValueError("must be a plain http or https address, such as https://tools.example.org/mcp")
        return url

    @field_validator("auth_header")
    @classmethod
    def _a_header(cls, name: str) -> str:
        if not _HEADER.fullmatch(name) or _NOT_FOR_AUTH.fullmatch(name):
            raise ValueError("must be the name of a header of yours, such as Authorization or X-Api-Key")
        return name

    @field_validator("auth_value")
    @classmethod
    def _can_be_sent(cls, value: str | None) -> str | None:
        value = value.strip() if value is not None else None
        if value and not re.fullmatch(r"[\x20-\x7e]+", value):
            raise ValueError("holds characters that no header takes; copy it again")
        return value


class Mcp:
    """The use cases of the settings under MCP."""

    def __init__(
        self, store: McpStore, secrets: Secrets, sessions: McpSessions, workflows: Workflows, public_url: str
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._sessions = sessions
        self._workflows = workflows
        self._endpoint = f"{public_url}/api/mcp"

    async def shown(self, user: User) -> dict[str, Any]:
        """``{servers, programs, endpoint, workflow_ids}``; ``programs`` are the names for ``stdio:`` urls."""
        servers = await self._store.all(user.id)
        return {
            "servers": [self._server(user.id, server_id, data) for server_id, data in servers.items()],
            "programs": self._sessions.programs,
            "endpoint": self._endpoint,
            "workflow_ids": await self._store.workflows(user.id),
        }

    async def save(self, user: User, raw: dict[str, Any]) -> dict[str, Any]:
        """Add or change one server by ``id``; gives it as it is shown.

        Choosing tools asks the server what they are, unless they are chosen already.

        Raises:
            Invalid: ``INVALID_SETTINGS``, or ``MCP_UNREACHABLE`` when the server cannot be asked about its tools.
            Conflict: ``MCP_TOOL_CHANGED``, a tool is not what was shown.
        """
        given = raw.get("id")
        old = await self._store.get(user.id, given) if isinstance(given, str) else None
        kept = {"url": old["url"], "auth_header": old["header"]} if old else {}
        for key in ("name", "enabled", "trusts_read_only"):
            if old:
                kept[key] = old[key]
        try:
            change = ServerChange.model_validate({**kept, **raw})
        except ValidationError as error:
            raise _refused(error) from None
        if change.url.startswith(STDIO) and change.url.removeprefix(STDIO) not in self._sessions.programs:
            raise _invalid("url", "names no program that the operator of this AWE allows (AWE_MCP_STDIO)")
        if old is None and len(await self._store.all(user.id)) >= MAX_SERVERS:
            raise _invalid("id", f"there are {MAX_SERVERS} servers already; remove one")
        data = self._changed(user.id, old, change)
        if change.tools is not None:
            data["tools"] = await self._choose(user.id, change.id, data, change.tools)
        stored = await self._store.change(user.id, change.id, lambda _now: data)
        assert stored is not None
        return self._server(user.id, change.id, stored)

    async def remove(self, user: User, server_id: str) -> None:
        """Forget a server and its secret. Raises NotFound ``MCP_SERVER_NOT_FOUND``."""
        await self._stored(user.id, server_id)
        await self._store.change(user.id, server_id, lambda _now: None)

    async def test(self, user: User, server_id: str) -> dict[str, Any]:
        """Ask the server what it offers: ``{ok, latency_ms, error, tools}``.

        Each tool says whether it is ``chosen`` and whether it has ``changed`` since; what has changed is not called
        any more until it is chosen again.

        Raises:
            NotFound: ``MCP_SERVER_NOT_FOUND``.
        """
        data = await self._stored(user.id, server_id)
        started = time.monotonic()
        error, found = None, []
        try:
            found = list(await self._sessions.functions(reached(self._secrets, user.id, server_id, data)))
        except NodeFailed as failure:
            error = f"{failure.detail}; {failure.hint}" if failure.hint else failure.detail
        latency_ms = round((time.monotonic() - started) * 1000)
        if error is None:
            now = {each.name: each.fingerprint for each in found}
            stored = await self._store.change(user.id, server_id, lambda data: data and _compared(data, now))
            data = stored or data
        chosen = {each["name"]: each for each in data["tools"]}
        tools = [
            {
                **each.as_json(),
                "problem": each.problem,
                "chosen": each.name in chosen,
                "changed": each.name in chosen and chosen[each.name]["changed"],
            }
            for each in found
        ]
        return {"ok": error is None, "latency_ms": latency_ms, "error": error, "tools": tools}

    async def publish(self, user: User, workflow_ids: list[str]) -> dict[str, Any]:
        """Offer these workflows as tools of AWE's own MCP server, and no others; gives what ``shown`` gives.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``.
            Forbidden: ``NOT_ALLOWED``, one may be seen but not run.
            Invalid: ``INVALID_SETTINGS``, there are too many.
        """
        if len(workflow_ids) > MAX_PUBLISHED:
            raise _invalid("workflow_ids", f"are more than {MAX_PUBLISHED}")
        for each in workflow_ids:
            await self._workflows.runnable(user.id, WorkflowId(each))
        await self._store.set_workflows(user.id, [WorkflowId(each) for each in workflow_ids])
        return await self.shown(user)

    async def _stored(self, owner: UserId, server_id: str) -> dict[str, Any]:
        data = await self._store.get(owner, server_id)
        if data is None:
            raise NotFound("MCP_SERVER_NOT_FOUND", "there is no such MCP server among yours")
        return data

    def _changed(self, owner: UserId, old: dict[str, Any] | None, change: ServerChange) -> dict[str, Any]:
        moved = old is not None and old["url"] != change.url
        secret = None if old is None or moved else old["secret"]  # it was meant for the old address alone
        if change.auth_value is not None:
            value = change.auth_value
            if value and change.auth_header.lower() == "authorization" and " " not in value:
                value = f"Bearer {value}"
            secret = self._secrets.seal(owner_of(owner, change.id, change.url), value) if value else None
        return {
            "name": change.name or change.id,
            "url": change.url,
            "header": change.auth_header,
            "secret": secret,
            "enabled": change.enabled,
            "trusts_read_only": change.trusts_read_only,
            "tools": [] if old is None or moved else old["tools"],
        }

    async def _choose(
        self, owner: UserId, server_id: str, data: dict[str, Any], choices: tuple[ToolChoice | str, ...]
    ) -> list[dict[str, Any]]:
        wanted = {each.name: each for each in (ToolChoice(name=c) if isinstance(c, str) else c for c in choices)}
        had = {each["name"]: each for each in data["tools"] if not each["changed"]}
        if all(name in had and each.fingerprint in (None, had[name]["fingerprint"]) for name, each in wanted.items()):
            return [had[name] for name in wanted]
        try:
            found = await self._sessions.functions(reached(self._secrets, owner, server_id, data))
        except NodeFailed as failure:
            raise Invalid("MCP_UNREACHABLE", f"the tools cannot be chosen: {failure.detail}", failure.hint) from None
        offered = {each.name: each for each in found}
        chosen = [_choosable(name, each, offered) for name, each in wanted.items()]
        if sum(len(str(each.parameters)) + len(each.description) for each in chosen) > _MAX_KEPT_CHARS:
            raise _invalid("tools", "take too much room together; choose fewer")
        return [{**each.as_json(), "changed": False} for each in chosen]

    def _server(self, owner: UserId, server_id: str, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": server_id,
            "name": data["name"],
            "url": data["url"],
            "auth_header": data["header"],
            "auth_last4": self._last4(owner_of(owner, server_id, data["url"]), data["secret"]),
            "enabled": data["enabled"],
            "trusts_read_only": data["trusts_read_only"],
            "tools": data["tools"],
        }

    def _last4(self, sealed_for: str, sealed: str | None) -> str | None:
        """Null without a secret; also when the stored one cannot be read any more, so that it is entered again."""
        try:
            value = self._secrets.open(sealed_for, sealed) if sealed else ""
        except Invalid:
            return None
        return value[-4:] if len(value.rpartition(" ")[2]) >= 12 else "****" if value else None


def _choosable(name: str, choice: ToolChoice, offered: dict[str, McpFunction]) -> McpFunction:
    function = offered.get(name)
    if function is None:
        known = ", ".join(sorted(offered))[:500] or "none"
        raise _invalid("tools", f"the server offers no '{name[:80]}'; it offers {known}")
    if function.problem:
        raise _invalid("tools", f"'{name[:80]}' cannot be used: {function.problem}")
    if choice.fingerprint not in (None, function.fingerprint):
        detail = f"the server describes '{name[:80]}' in another way than it was shown"
        raise Conflict("MCP_TOOL_CHANGED", detail, "look at it again")
    return function


def _compared(data: dict[str, Any], now: dict[str, str]) -> dict[str, Any]:
    """The server with those tools marked that are not any more what was chosen."""
    tools = [
        {**each, "changed": each["changed"] or now.get(each["name"]) != each["fingerprint"]} for each in data["tools"]
    ]
    return {**data, "tools": tools}


def _refused(error: ValidationError) -> Invalid:
    issues = tuple(
        _issue(".".join(str(part) for part in found["loc"]), found["msg"].removeprefix("Value error, "))
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )
    return Invalid("INVALID_SETTINGS", "; ".join(issue.message for issue in issues[:3]), issues=issues)


def _invalid(field: str, message: str) -> Invalid:
    issue = _issue(field, message)
    return Invalid("INVALID_SETTINGS", issue.message, issues=(issue,))


def _issue(field: str, message: str) -> Issue:
    return Issue("error", "INVALID_SETTING", f"{field or 'settings'}: {message}", field=field or None)
