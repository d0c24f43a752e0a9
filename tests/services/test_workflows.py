"""Workflows through their service: ownership, drafts, versions."""

from typing import Any

import pytest

from awe_app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from awe_app.domain.ids import WorkflowId
from awe_app.domain.pages import PageQuery
from tests.builders import graph, node
from tests.services.conftest import House


async def test_what_is_created_is_found_again_unchanged(house: House) -> None:
    raw = graph("a -> b", variables={"tone": "plain"}, description="x")
    made = await house.workflows.create(house.user, raw)
    found = await house.workflows.get(house.user, made.id)
    assert found == made
    assert found.version == 1
    assert found.owner_id == house.user.id
    assert [n.id for n in found.workflow.nodes] == ["a", "b"]
    assert found.issues == ()


async def test_an_unfinished_draft_is_stored_with_its_issues(house: House) -> None:
    made = await house.workflows.create(house.user, graph("", node("a", config={})))
    assert [(issue.code, issue.node_id) for issue in made.issues] == [("MISSING_SETTING", "a")]


@pytest.mark.parametrize(
    "raw", [graph("a -> b -> a"), {"name": "x", "colour": 1}, {}, graph("", node("a", "teleport"))]
)
async def test_what_is_malformed_is_refused(house: House, raw: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        await house.workflows.create(house.user, raw)
    assert refused.value.code == "INVALID_WORKFLOW"
    assert refused.value.issues


@pytest.mark.parametrize("key", ["id", "owner_id", "version", "created_at", "updated_at", "issues"])
async def test_keys_of_the_server_are_refused_on_create_and_when_changed(house: House, key: str) -> None:
    with pytest.raises(Invalid, match="SERVER_OWNED_KEY"):
        await house.workflows.create(house.user, {**graph("a"), key: None})
    made = await house.workflows.create(house.user, graph("a"))
    same = await house.workflows.update(house.user, made.id, made.as_json(), None)
    assert same.version == 2
    with pytest.raises((Invalid, Conflict)):
        await house.workflows.update(house.user, made.id, {**same.as_json(), key: "other"}, None)


async def test_a_stale_version_is_refused_and_changes_nothing(house: House) -> None:
    made = await house.workflows.create(house.user, graph("a"))
    second = await house.workflows.update(house.user, made.id, graph("b"), made.version)
    with pytest.raises(Conflict, match="STALE_VERSION"):
        await house.workflows.update(house.user, made.id, graph("c"), made.version)
    assert await house.workflows.get(house.user, made.id) == second


async def test_others_do_not_see_it_and_only_see_what_is_public(house: House) -> None:
    private = await house.workflows.create(house.user, graph("a"))
    public = await house.workflows.create(house.user, {**graph("a"), "is_public": True})
    with pytest.raises(NotFound, match="WORKFLOW_NOT_FOUND"):
        await house.workflows.get(house.other, private.id)
    with pytest.raises(NotFound):
        await house.workflows.update(house.other, private.id, graph("b"), None)
    assert (await house.workflows.get(house.other, public.id)).id == public.id
    with pytest.raises(Forbidden):
        await house.workflows.update(house.other, public.id, graph("b"), None)
    with pytest.raises(Forbidden):
        await house.workflows.delete(house.other, public.id)
    assert (await house.workflows.list(house.other, PageQuery())).total == 0


async def test_deleting_takes_only_ones_own(house: House) -> None:
    mine = [await house.workflows.create(house.user, graph("a")) for _ in range(2)]
    theirs = await house.workflows.create(house.other, graph("a"))
    ids = [mine[0].id, theirs.id, WorkflowId("nowhere"), mine[0].id]
    deleted, missing = await house.workflows.bulk_delete(house.user, ids)
    assert deleted == [mine[0].id]
    assert missing == [theirs.id, "nowhere"]
    await house.workflows.delete(house.user, mine[1].id)
    assert (await house.workflows.list(house.user, PageQuery())).total == 0
    assert (await house.workflows.get(house.other, theirs.id)).id == theirs.id


def test_checking_takes_anything(house: House) -> None:
    assert [issue.code for issue in house.workflows.check([])] == ["NOT_A_WORKFLOW"]
    assert [issue.code for issue in house.workflows.check({"name": "x", "nodes": [1]})] == ["INVALID_VALUE"]
    assert house.workflows.check({**graph("a"), "id": "x", "version": 3, "is_public": True}) == []
