"""MCP servers and offered workflows in the database."""

import asyncio
from typing import Any

import pytest

from awe_app.adapters.db import Database
from awe_app.adapters.mcp_store import McpStore
from awe_app.adapters.user_store import UserStore
from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain.errors import Conflict
from awe_app.domain.ids import UserId
from awe_app.domain.workflow import Workflow


async def user(database: Database, name: str) -> UserId:
    return (await UserStore(database).add(name, f"{name}@example.org", "hash")).id


async def test_servers_are_changed_one_at_a_time_and_are_their_users_own(database: Database):
    store, ann, bob = McpStore(database), await user(database, "ann"), await user(database, "bob")

    def counted(data: dict[str, Any] | None) -> dict[str, Any]:
        return {"count": (data or {"count": 0})["count"] + 1}

    await store.change(ann, "shop", counted)
    await asyncio.gather(*(store.change(ann, "shop", counted) for _ in range(5)))
    await store.change(ann, "another", counted)
    assert await store.all(ann) == {"another": {"count": 1}, "shop": {"count": 6}}
    assert (await store.all(bob), await store.get(bob, "shop")) == ({}, None)

    def refused(_data: dict[str, Any] | None) -> dict[str, Any]:
        raise Conflict("NO", "no")

    with pytest.raises(Conflict):
        await store.change(ann, "shop", refused)
    assert await store.get(ann, "shop") == {"count": 6}
    assert await store.change(ann, "shop", lambda _data: None) is None
    assert await store.change(bob, "shop", lambda _data: None) is None
    assert list(await store.all(ann)) == ["another"]


async def test_offered_workflows_go_with_the_workflow(database: Database):
    store, workflows, ann = McpStore(database), WorkflowStore(database), await user(database, "ann")
    first, second = [(await workflows.add(ann, Workflow(name=name), False)).id for name in ("first", "second")]
    await store.set_workflows(ann, [first, second, first])
    assert await store.workflows(ann) == sorted([first, second])
    await workflows.delete([first], ann)
    assert await store.workflows(ann) == [second]
    await store.set_workflows(ann, [])
    assert await store.workflows(ann) == []
