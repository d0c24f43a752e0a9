"""The rule of sharing, whatever was shared and revoked before."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from awe_app.adapters.db import Database
from awe_app.adapters.share_store import ShareStore
from awe_app.adapters.user_store import UserStore
from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain.errors import NotFound
from awe_app.domain.ids import UserId, new_id, utc_now
from awe_app.domain.pages import PageQuery
from awe_app.domain.sharing import Permission
from awe_app.nodes.registry import discover
from awe_app.services.access import Access
from awe_app.services.sharing import Sharing
from awe_app.services.workflows import Workflows
from tests.builders import graph
from tests.services.conftest import House

steps = st.lists(
    st.sampled_from(["view", "run", "edit", "expire", "revoke", "leave", "intrude", "publish", "hide"]), max_size=8
)


class NothingRuns:
    """There is nothing to stop."""

    async def stop_all(self, *_: Any) -> None:
        """Nothing to do."""


@given(steps)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_sequence_of_sharing_and_revoking_gives_a_stranger_anything(database_url: str, taken: list[str]) -> None:
    asyncio.run(play(database_url, taken))


async def play(database_url: str, taken: list[str]) -> None:
    """Take the steps, and compare what everyone may do after each with what a model says."""
    database = Database(database_url)
    await database.start()
    try:
        users, shares, store = UserStore(database), ShareStore(database), WorkflowStore(database)
        access = Access(store, shares)
        workflows = Workflows(store, access, discover())
        sharing = Sharing(shares, users, access, workflows, NothingRuns())  # type: ignore[arg-type]
        mark = new_id()[:8]
        owner, friend, stranger = [
            await users.add(f"{name}{mark}", f"{name}{mark}@example.org", "x") for name in ("ann", "ben", "eve")
        ]
        workflow = await workflows.create(owner, graph("a"))
        granted, public, share_id = Permission.NONE, False, "none"
        for step in taken:
            if step in ("view", "run", "edit"):
                share_id = (await sharing.share(owner, workflow.id, friend.username, step)).id  # type: ignore[arg-type]
                granted = Permission.named(step)  # type: ignore[arg-type]
            elif step == "expire":
                share_id = (await shares.put(workflow.id, friend.id, Permission.EDIT, utc_now() - timedelta(1))).id
                granted = Permission.NONE
            elif step in ("revoke", "leave"):
                try:
                    await sharing.revoke(owner if step == "revoke" else friend, share_id)
                except NotFound:
                    assert granted is Permission.NONE
                granted = Permission.NONE
            elif step == "intrude":
                with pytest.raises(NotFound):
                    await sharing.revoke(stranger, share_id)
            else:
                public = step == "publish"
                await workflows.update(owner, workflow.id, {**graph("a"), "is_public": public}, None)
            everyone = Permission.RUN if public else Permission.NONE
            assert await access.permission(stranger.id, workflow.id) is everyone
            assert await access.permission(UserId(""), workflow.id) is everyone
            assert await access.permission(friend.id, workflow.id) is max(granted, everyone)
            assert await access.permission(owner.id, workflow.id) is Permission.OWNER
    finally:
        await database.stop()


async def test_what_starts_while_the_share_is_revoked_is_stopped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    shares, users = ShareStore(house.database), UserStore(house.database)
    sharing = Sharing(shares, users, house.workflows.access, house.workflows, house.executions)
    stored = await house.workflows.create(house.user, graph("gate", {"id": "gate", "type": "gate", "gate_config": {}}))
    share = await sharing.share(house.user, stored.id, "ben", "run")
    runnable = house.workflows.runnable

    async def revoked_after_the_look(*asked: Any) -> Any:
        found = await runnable(*asked)
        monkeypatch.setattr(house.workflows, "runnable", runnable)
        await sharing.revoke(house.user, share.id)
        return found

    monkeypatch.setattr(house.workflows, "runnable", revoked_after_the_look)
    with pytest.raises(NotFound):
        await house.executions.start(house.other, stored.id, {})
    await sharing.share(house.user, stored.id, "ben", "view")
    (only,) = (await house.executions.list(house.other, PageQuery())).items
    assert only.status == "cancelled"
