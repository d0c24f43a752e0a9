"""Servers of the Model Context Protocol (MCP), as tools see them: what they offer, and calling it.

Whatever a server says of itself was written by strangers. So a user chooses its functions one by one, what was chosen
is kept as it was then, and a function that says something else today is not called until the user agrees again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from awe_app.domain.ids import UserId

MAX_FUNCTIONS = 200
"""Of one server; what it lists beyond is not looked at."""
MAX_NAME_CHARS = 128
MAX_DESCRIPTION_CHARS = 4_000
"""What is kept and shown of a description; the fingerprint is of all of it."""
MAX_SCHEMA_CHARS = 24_000
"""Of a function's parameters as JSON; a function with more cannot be chosen."""
MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""Of one answer of a server, after decompression."""
CALL_S = 60.0
"""How long a call may take unless the agent's settings say otherwise."""


@dataclass(frozen=True, slots=True)
class McpFunction:
    """A function as its server describes it."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of an object."""
    read_only: bool
    """The server says that calling it changes nothing."""
    fingerprint: str
    """SHA-256 of all the server said of it; another one means another function."""
    problem: str = ""
    """Why it cannot be chosen; empty when it can."""

    def as_json(self) -> dict[str, Any]:
        """For the database."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": dict(self.parameters),
            "read_only": self.read_only,
            "fingerprint": self.fingerprint,
        }


@dataclass(frozen=True, slots=True)
class McpServer:
    """How to reach a server."""

    owner: UserId
    """Sessions are never shared between users: what a server remembers of one is no other's business."""
    id: str
    url: str
    """``https://…``, or ``stdio:<name>`` for a program that the operator allows."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ChosenFunction:
    """A function that its user agreed to, as it was then."""

    function: McpFunction
    requires_approval: bool
    """False only for one that reads alone, on a server whose word the user takes for that."""


@dataclass(frozen=True, slots=True)
class McpAnswer:
    """What a call gave."""

    value: Any
    """The structured result where there is one, else text; what is neither is named by kind and size."""
    is_error: bool


class McpServers(Protocol):
    """The servers that users have connected."""

    async def chosen(self, user_id: UserId, server_id: str) -> Sequence[ChosenFunction]:
        """The functions the user chose, without those that have changed since; does not call the server.

        Raises:
            NodeFailed: ``MCP_SERVER_UNKNOWN``, ``MCP_SERVER_OFF``.
        """
        ...

    async def call(
        self, user_id: UserId, server_id: str, function: McpFunction, arguments: Mapping[str, Any], timeout_s: float
    ) -> McpAnswer:
        """Call a function, if it still is what the user chose.

        Raises:
            NodeFailed: ``MCP_SERVER_UNKNOWN``, ``MCP_SERVER_OFF``, ``MCP_TOOL_CHANGED``, ``MCP_TOOL_GONE``,
                ``MCP_TIMEOUT``, ``MCP_ERROR``, and what the guarded HTTP client raises.
        """
        ...
