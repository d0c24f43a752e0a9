"""What the answers about MCP look like, for OpenAPI."""

from typing import Any

from pydantic import BaseModel


class McpToolShape(BaseModel):
    """A tool of a server as it was chosen."""

    name: str
    description: str
    parameters: dict[str, Any]
    read_only: bool
    fingerprint: str
    changed: bool


class McpOfferShape(McpToolShape):
    """A tool as the server describes it now; ``problem`` says why it cannot be chosen."""

    chosen: bool
    problem: str


class McpServerShape(BaseModel):
    """A connected server."""

    id: str
    name: str
    url: str
    auth_header: str
    auth_last4: str | None
    enabled: bool
    trusts_read_only: bool
    tools: list[McpToolShape]


class McpSettingsShape(BaseModel):
    """All of them, and what AWE's own server offers."""

    servers: list[McpServerShape]
    programs: list[str]
    endpoint: str
    workflow_ids: list[str]


class McpTestShape(BaseModel):
    """Whether a server answers, and what it offers."""

    ok: bool
    latency_ms: int
    error: str | None
    tools: list[McpOfferShape]
