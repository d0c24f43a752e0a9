"""What the settings under MCP hold and do. Secrets pass through the form once and are never kept in a state."""

import re
from dataclasses import dataclass, replace
from typing import Any

import reflex as rx

from awe_app.domain.errors import AweError
from awe_app.domain.pages import MAX_LIMIT, PageQuery
from awe_app.services import services
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.toasts import sentence, toast


@dataclass(frozen=True)
class McpRow:
    """A connected server, as the list shows it."""

    id: str = ""
    name: str = ""
    url: str = ""
    header: str = "Authorization"
    secret: str = ""
    """``•••• 1234``, or empty when none is stored."""
    enabled: bool = True
    trusts: bool = False
    tools: str = ""
    changed: str = ""
    """Names of the tools that are off because they changed."""


@dataclass(frozen=True)
class ToolRow:
    """A tool that a server offers."""

    name: str
    description: str
    fingerprint: str
    reads: bool
    chosen: bool
    changed: bool
    problem: str


@dataclass(frozen=True)
class OfferRow:
    """A workflow that may be offered as a tool."""

    id: str
    name: str
    offered: bool


class McpState(rx.State):
    """The connected servers, and what AWE's own offers."""

    servers: list[McpRow] = []
    workflows: list[OfferRow] = []
    endpoint: str = ""
    programs: str = ""
    outcomes: dict[str, str] = {}
    """What the last test said, by server."""
    testing: str = ""
    loaded: bool = False

    @rx.event
    @refusals_told
    async def load(self):
        """Show everything."""
        self.outcomes, self.testing = {}, ""
        await self.show()

    @rx.event
    @refusals_told
    async def offer(self, workflow_id: str, offered: bool):
        """Offer a workflow, or no longer."""
        user = await signed_in(self)
        ids = {row.id for row in self.workflows if row.offered} - {workflow_id}
        await services().mcp.publish(user, sorted(ids | {workflow_id} if offered else ids))
        await self.show()

    @rx.event
    @refusals_told
    async def look(self, server_id: str):
        """Ask the server what it offers, and show it."""
        user = await signed_in(self)
        self.testing = server_id
        yield
        try:
            answer = await services().mcp.test(user, server_id)
        finally:
            self.testing = ""
        if answer["ok"]:
            self.outcomes[server_id] = f"Answered in {answer['latency_ms']:.0f} ms, {len(answer['tools'])} tools."
            await self.show()
            choosing = await self.get_state(McpToolsState)
            choosing.begin(server_id, answer["tools"])
        else:
            self.outcomes[server_id] = sentence(str(answer["error"]))

    async def show(self) -> None:
        """Read everything anew."""
        user = await signed_in(self)
        shown = await services().mcp.shown(user)
        own = await services().workflows.list(user, PageQuery(limit=MAX_LIMIT, sort="name"))
        offered = set(shown["workflow_ids"])
        self.servers = [_row(server) for server in shown["servers"]]
        self.workflows = [OfferRow(each.id, each.workflow.name, each.id in offered) for each in own.items]
        self.endpoint, self.programs = shown["endpoint"], ", ".join(f"stdio:{name}" for name in shown["programs"])
        self.loaded = True


class McpToolsState(rx.State):
    """The dialog that chooses a server's tools."""

    server_id: str = ""
    """Empty while it is closed."""
    tools: list[ToolRow] = []
    problem: str = ""
    busy: bool = False

    def begin(self, server_id: str, tools: list[dict[str, Any]]) -> None:
        """Show what the server offers."""
        self.server_id, self.problem, self.busy = server_id, "", False
        self.tools = [
            ToolRow(
                tool["name"],
                tool["description"],
                tool["fingerprint"],
                tool["read_only"],
                tool["chosen"] and not tool["changed"],
                tool["changed"],
                tool["problem"],
            )
            for tool in tools
        ]

    @rx.event
    def close(self):
        """Change nothing."""
        self.server_id = ""

    @rx.event
    def choose(self, name: str, chosen: bool):
        """Tick a tool, or no longer."""
        self.tools = [replace(row, chosen=chosen) if row.name == name else row for row in self.tools]

    @rx.event
    @refusals_told
    async def save(self):
        """Keep what is ticked, as it is shown."""
        user = await signed_in(self)
        self.busy, self.problem = True, ""
        yield
        wanted = [{"name": row.name, "fingerprint": row.fingerprint} for row in self.tools if row.chosen]
        try:
            await services().mcp.save(user, {"id": self.server_id, "tools": wanted})
        except AweError as error:
            self.problem = sentence(error.detail)
        else:
            self.server_id = ""
            listed = await self.get_state(McpState)
            await listed.show()
            yield toast("success", "Tools saved.", f"Agents may use {len(wanted)} of them.")
        finally:
            self.busy = False


class McpFormState(rx.State):
    """The dialog that adds or changes one server."""

    is_open: bool = False
    row: McpRow = McpRow()
    """What the form began with; an empty id means a new server."""
    problem: str = ""
    busy: bool = False

    @rx.event
    def begin(self):
        """Open the form for a new server."""
        self.row, self.is_open, self.problem, self.busy = McpRow(), True, "", False

    @rx.event
    async def edit(self, server_id: str):
        """Open the form for a stored one."""
        listed = await self.get_state(McpState)
        row = next((row for row in listed.servers if row.id == server_id), None)
        if row:
            self.row, self.is_open, self.problem, self.busy = row, True, "", False

    @rx.event
    def close(self):
        """Change nothing."""
        self.is_open = False

    @rx.event
    @refusals_told
    async def remove(self):
        """Forget the server and its secret."""
        user = await signed_in(self)
        await services().mcp.remove(user, self.row.id)
        self.is_open = False
        listed = await self.get_state(McpState)
        await listed.show()
        return toast("success", "Server removed, with its secret.")

    @rx.event
    @refusals_told
    async def save(self, form: dict[str, Any]):
        """Store the server."""
        user = await signed_in(self)
        listed = await self.get_state(McpState)
        self.busy, self.problem = True, ""
        yield
        try:
            await services().mcp.save(user, server_in(form, self.row.id, {row.id for row in listed.servers}))
        except AweError as error:
            issues = getattr(error, "issues", ())
            self.problem = " ".join(sentence(issue.message) for issue in issues) or sentence(error.detail)
        else:
            self.is_open = False
            await listed.show()
            yield toast("success", "Server saved.", "Look at its tools and choose some.")
        finally:
            self.busy = False


def server_in(form: dict[str, Any], server_id: str, taken: set[str]) -> dict[str, Any]:
    """What ``mcp.save`` is given for a filled-in form. A secret that was left empty is not sent, so it stays."""
    name, url = str(form.get("name", "")).strip(), str(form.get("url", "")).strip()
    change: dict[str, Any] = {
        "id": server_id or _free_id(name or url, taken),
        "name": name,
        "url": url,
        "auth_header": str(form.get("auth_header", "")).strip() or "Authorization",
        "enabled": bool(form.get("enabled")),
        "trusts_read_only": bool(form.get("trusts_read_only")),
    }
    if secret := str(form.get("auth_value", "")).strip():
        change["auth_value"] = secret
    return change


def _free_id(text: str, taken: set[str]) -> str:
    text = re.sub(r"^https?://|^stdio:", "", text.lower())
    wanted = re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:28] or "server"
    names = [wanted, *(f"{wanted}_{number}" for number in range(2, 100))]
    return next(name for name in names if name not in taken)


def _row(server: dict[str, Any]) -> McpRow:
    chosen = [tool["name"] for tool in server["tools"] if not tool["changed"]]
    changed = [tool["name"] for tool in server["tools"] if tool["changed"]]
    return McpRow(
        id=server["id"],
        name=server["name"],
        url=server["url"],
        header=server["auth_header"],
        secret=f"•••• {server['auth_last4']}" if server["auth_last4"] else "",
        enabled=server["enabled"],
        trusts=server["trusts_read_only"],
        tools=", ".join(chosen),
        changed=", ".join(changed),
    )
