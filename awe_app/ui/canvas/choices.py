"""What a user may choose from in the inspector: models, workflows and whatever else is the user's own.

A level like the others in ``envelopes.py``: sent when a workflow is opened, and again when a picker opens and
something has changed. ``choices.jsx`` shows it; the widgets that name a list of it are in ``NodeConfig``.
"""

from typing import Any, TypedDict

from awe_app.domain.accounts import User
from awe_app.domain.pages import MAX_LIMIT, PageQuery
from awe_app.services import services

MOST = 1_000
"""Of each kind; who has more types the id."""


class Choice(TypedDict):
    """One thing to choose."""

    value: str
    """What the setting holds."""
    title: str
    detail: str


class Choices(TypedDict):
    """Every list, each under the name of the widget that chooses several of it."""

    models: list[dict[str, Any]]
    """As ``GET /api/models`` gives them, the default first."""
    workflows: list[Choice]
    collections: list[Choice]
    """By name."""
    mcp_servers: list[Choice]
    secrets: list[Choice]
    """By name; what they are is known to nobody here."""


async def choices(user: User) -> Choices:
    """Everything this user may choose."""
    return Choices(
        models=[model.as_json() for model in await services().catalog.models(user)],
        workflows=await _workflows(user),
        collections=await _collections(user),
        mcp_servers=[
            Choice(value=server["id"], title=server["name"] or server["id"], detail=server["url"])
            for server in (await services().mcp.shown(user))["servers"]
        ],
        secrets=[
            Choice(value=secret["name"], title=secret["name"], detail=f"for {', '.join(secret['hosts'])}")
            for secret in await services().secrets.list(user)
        ],
    )


async def _workflows(user: User) -> list[Choice]:
    names = await services().workflows.names(user, MOST)
    return [Choice(value=workflow_id, title=name, detail=about) for workflow_id, name, about in names]


async def _collections(user: User) -> list[Choice]:
    query = PageQuery(limit=MAX_LIMIT, sort="name")
    found = (await services().knowledge.list(user, query)).items
    return [
        Choice(
            value=collection.name,
            title=collection.name,
            detail=collection.description or f"{collection.documents} documents",
        )
        for collection in found
    ]
