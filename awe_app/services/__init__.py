"""The only door for ``api`` and ``ui``: one family of use cases a file, gathered in ``Services``.

The composition root builds ``Services`` once in each process and calls ``provide``; skins call ``services()``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from awe_app.services.accounts import Accounts
    from awe_app.services.api_keys import ApiKeys
    from awe_app.services.catalog import Catalog
    from awe_app.services.chats import Chats
    from awe_app.services.executions import Executions
    from awe_app.services.files import Files
    from awe_app.services.knowledge import Knowledge
    from awe_app.services.mcp import Mcp
    from awe_app.services.mcp_tools import McpTools
    from awe_app.services.memories import Memories
    from awe_app.services.password_reset import PasswordReset
    from awe_app.services.readiness import Readiness
    from awe_app.services.secrets import UserSecretsPage
    from awe_app.services.settings import Settings
    from awe_app.services.sharing import Sharing
    from awe_app.services.templates import Templates
    from awe_app.services.workflows import Workflows


@dataclass(frozen=True, slots=True)
class Services:
    """Every use case of AWE."""

    accounts: "Accounts"
    workflows: "Workflows"
    executions: "Executions"
    sharing: "Sharing"
    chats: "Chats"
    catalog: "Catalog"
    templates: "Templates"
    settings: "Settings"
    secrets: "UserSecretsPage"
    files: "Files"
    readiness: "Readiness"
    mcp: "Mcp"
    mcp_tools: "McpTools"
    memories: "Memories"
    knowledge: "Knowledge"
    api_keys: "ApiKeys"
    password_reset: "PasswordReset"


_provided: Services | None = None


def provide(built: Services | None) -> None:
    """Make the process's services known (None when it shuts down)."""
    global _provided
    _provided = built


def services() -> Services:
    """The process's services.

    Raises:
        RuntimeError: the composition root has not started yet.
    """
    if _provided is None:
        raise RuntimeError("services are not running: they start with the ASGI lifespan in awe_app/awe_app.py")
    return _provided
