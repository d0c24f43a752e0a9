"""Sharing on the pages: the dialog, what is shared with one, and a builder that only looks."""

import pytest

from awe_app.composition import Running
from awe_app.domain.accounts import User
from awe_app.domain.errors import NotFound
from awe_app.domain.stored import StoredWorkflow
from awe_app.ui.pages.builder_state import BuilderState
from awe_app.ui.pages.share_state import ShareState
from awe_app.ui.pages.shared import SharedState
from tests.builders import graph
from tests.ui.conftest import PASSWORD, Tab


@pytest.fixture
async def bob(awe: Running) -> User:
    return await awe.services.accounts.register("bob", "bob@example.org", PASSWORD)


@pytest.fixture
async def bobs_tab(bob: User) -> Tab:
    opened = Tab()
    await opened.sign_in(bob)
    return opened


@pytest.fixture
async def stored(awe: Running, user: User) -> StoredWorkflow:
    return await awe.services.workflows.create(user, graph("a"))


async def test_the_dialog_shares_changes_and_revokes(tab: Tab, stored: StoredWorkflow, bob: User):
    dialog = tab.state(ShareState)
    await dialog.show(stored.id)
    await dialog.add({"user": "nobody", "permission": "view"})
    assert (dialog.rows, "no account" in dialog.problem) == ([], True)
    await dialog.add({"user": "", "permission": "view"})
    assert dialog.problem
    await dialog.add({"user": "BOB@example.org", "permission": "view"})
    assert [(row.user, row.permission, dialog.problem) for row in dialog.rows] == [("bob", "view", "")]
    await dialog.change("bob", "edit")
    assert [row.permission for row in dialog.rows] == ["edit"]
    await dialog.revoke(dialog.rows[0].id)
    assert dialog.rows == []


async def test_who_may_only_look_changes_nothing_in_the_builder(
    awe: Running, user: User, stored: StoredWorkflow, bobs_tab: Tab
):
    await awe.services.sharing.share(user, stored.id, "bob", "view")
    bobs_tab.visit(f"/workflows/{stored.id}")
    builder = bobs_tab.state(BuilderState)
    assert await builder.open_workflow() is not None  # is told
    assert builder.desk is not None
    change = {"op": "configure", "node": "a", "settings": {"template": "mine now"}}
    reopen = await builder.edit({"session": builder.desk.session, "seq": 1, "edit": change})
    assert reopen is BuilderState.open_workflow
    await builder.open_workflow()
    assert (builder.document["discard"], builder.document["workflow"]) == (True, stored.workflow.as_json())
    assert (await awe.services.workflows.get(user, stored.id)).version == 1


async def test_what_is_shared_is_listed_copied_and_left(
    awe: Running, user: User, stored: StoredWorkflow, bob: User, bobs_tab: Tab
):
    await awe.services.sharing.share(user, stored.id, "bob", "run")
    page = bobs_tab.state(SharedState)
    await page.load()
    (row,) = page.rows
    assert (row.name, row.owner, row.permission) == ("Test", "ada", "run")
    await page.duplicate(row.id)
    assert [each for _, each, _ in await awe.services.workflows.names(bob, 9)] == ["Test (copy)"]
    page.ask_to_leave(row.share_id)
    await page.leave()
    assert (page.rows, page.total) == ([], 0)
    with pytest.raises(NotFound):
        await awe.services.workflows.get(bob, stored.id)


async def test_a_dialog_does_not_open_for_what_is_somebody_elses(
    awe: Running, user: User, stored: StoredWorkflow, bobs_tab: Tab
):
    await awe.services.sharing.share(user, stored.id, "bob", "edit")
    dialog = bobs_tab.state(ShareState)
    assert await dialog.show(stored.id) is not None  # the refusal, as a toast
    assert (dialog.workflow_id, dialog.rows) == ("", [])
