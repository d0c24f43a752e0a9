"""Sub-workflows: linked executions that outlive crashes and end with their parents."""

import asyncio
from typing import Any

import pytest

from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path, WorkflowId
from awe_app.domain.pages import PageQuery
from tests.builders import graph, node
from tests.services.conftest import House
from tests.services.test_waiting import answer, begin, reach

DOUBLE = graph(
    "start -> twice -> end",
    node("start", "input", {"fields": [{"name": "word", "type": "text", "required": True}]}),
    node("twice", config={"template": "{{ inputs.word }}{{ inputs.word }}"}),
    node("end", "output", {"value": "{{ nodes.twice.output }}"}),
)


async def store(house: House, raw: dict[str, Any]) -> WorkflowId:
    return (await house.workflows.create(house.user, raw)).id


def calling(workflow_id: str, inputs: Any = None, **rest: Any) -> dict[str, Any]:
    config = {"workflow_id": workflow_id, "inputs": inputs or {}, **rest.pop("config", {})}
    return graph("a -> call -> end", node("call", "subworkflow", config, **rest), node("end", "output", {}))


async def children(house: House, workflow_id: WorkflowId) -> list[ExecutionState]:
    found = await house.executions.list(house.user, PageQuery(), workflow_id)
    return [await house.executions.get(house.user, each.execution_id) for each in found.items]


async def test_a_subworkflow_gives_its_result_and_is_an_execution_of_its_own(house: House) -> None:
    inner = await store(house, DOUBLE)
    parent = await begin(house, calling(inner, {"word": "{{ nodes.a.output }}"}))
    ended = await house.executions.wait(house.user, parent, 30)
    assert (ended.status, ended.result) == ("completed", "aa")
    [child] = await children(house, inner)
    assert (child.status, child.result) == ("completed", "aa")
    links = [line.data for line in ended.logs if line.path == "call" and line.data]
    assert links == [{"execution_id": child.execution_id, "workflow_id": inner}]


async def test_many_at_once_in_a_loop_keep_their_order(house: House) -> None:
    inner = await store(house, DOUBLE)
    raw = graph(
        "each",
        node("each", "loop", {"mode": "for_each", "items": ["a", "b", "c", "d", "e"], "concurrency": 3}),
        node("call", "subworkflow", {"workflow_id": inner, "inputs": {"word": "{{ item }}"}}, parent_id="each"),
    )
    ended = await house.executions.wait(house.user, await begin(house, raw), 60)
    assert ended.result == {"each": ["aa", "bb", "cc", "dd", "ee"]}
    assert len(await children(house, inner)) == 5


async def test_a_workflow_may_run_itself_and_a_recursion_without_end_fails(house: House) -> None:
    stored = await house.workflows.create(house.user, {"name": "Countdown", "nodes": [], "edges": []})
    countdown = graph(
        "start -> more; more:true -> again -> end; more:false -> done -> end",
        node("start", "input", {"fields": [{"name": "rest", "type": "list", "required": True}]}),
        node("more", "condition", {"field": "{{ inputs.rest }}", "operator": "is_not_empty"}),
        node("again", "subworkflow", {"workflow_id": stored.id, "inputs": {"rest": "{{ inputs.rest[1:] }}"}}),
        node("end", "output", {}),
    )
    await house.workflows.update(house.user, stored.id, countdown, None)
    start = await house.executions.start(house.user, stored.id, {"rest": [1, 2, 3]})
    ended = await house.executions.wait(house.user, start.execution_id, 60)
    assert (ended.status, ended.result) == ("completed", "done")
    assert len(await children(house, stored.id)) == 4

    endless = await house.workflows.create(house.user, {"name": "Endless", "nodes": [], "edges": []})
    await house.workflows.update(house.user, endless.id, calling(endless.id), None)
    start = await house.executions.start(house.user, endless.id, {})
    failed = await house.executions.wait(house.user, start.execution_id, 60)
    assert failed.status == "failed"
    assert failed.error is not None
    assert "TOO_DEEP" in str(failed.error["detail"])
    assert len(await children(house, endless.id)) == 21


async def test_a_child_that_fails_fails_its_node_and_is_tried_again_as_asked(house: House) -> None:
    house.gate.open.set()
    inner = await store(house, graph("g", node("g", "gate", {"fails": True})))
    retry = {"max_attempts": 3, "backoff_s": 0}
    ended = await house.executions.wait(house.user, await begin(house, calling(inner, retry=retry)), 30)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["code"] == "SUBWORKFLOW_FAILED"
    assert "the gate fell" in str(ended.error["detail"])
    assert [child.status for child in await children(house, inner)] == ["failed"] * 3
    assert ended.node_states[Path("call")].attempts == 3


async def test_cancelling_the_parent_stops_its_children_and_theirs(house: House) -> None:
    innermost = await store(house, graph("g", node("g", "gate")))
    inner = await store(house, calling(innermost))
    parent = await begin(house, calling(inner))
    await house.gate.reached.wait()
    await reach(house, parent, "waiting")
    await house.executions.cancel(house.user, parent)
    for workflow_id in (inner, innermost):
        [child] = await children(house, workflow_id)
        await reach(house, child.execution_id, "cancelled")


async def test_cancelling_a_child_fails_the_node_that_waits_for_it(house: House) -> None:
    inner = await store(house, graph("g", node("g", "gate")))
    parent = await begin(house, calling(inner, on_error="continue", default_output="none"))
    await house.gate.reached.wait()
    await reach(house, parent, "waiting")
    [child] = await children(house, inner)
    await house.executions.cancel(house.user, child.execution_id)
    ended = await house.executions.wait(house.user, parent, 30)
    assert (ended.status, ended.result) == ("completed", "none")
    error = ended.node_states[Path("call")].error
    assert error is not None
    assert error["code"] == "SUBWORKFLOW_CANCELLED"


async def test_a_node_that_waits_too_long_gives_up_and_takes_its_child_along(house: House) -> None:
    await house.executions.adopt()  # which watches the clock
    inner = await store(house, graph("g", node("g", "gate")))
    parent = await begin(house, calling(inner, timeout_s=1.0))
    ended = await house.executions.wait(house.user, parent, 60)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["code"] == "NODE_TIMEOUT"
    [child] = await children(house, inner)
    await reach(house, child.execution_id, "cancelled")


async def test_parent_and_child_go_on_after_a_crash_and_nothing_is_started_twice(house: House) -> None:
    inner = await store(house, graph("g -> t", node("g", "gate")))
    parent = await begin(house, calling(inner))
    await house.gate.reached.wait()
    await reach(house, parent, "waiting")
    await house.stop()
    house.gate.open.set()
    house.start()
    await house.executions.adopt()
    ended = await house.executions.wait(house.user, parent, 30)
    assert (ended.status, ended.result) == ("completed", {"t": "t"})
    assert len(await children(house, inner)) == 1


async def test_a_parent_whose_child_ended_while_it_was_put_down_hears_of_it(house: House) -> None:
    """The child's end is stored, and the process dies before it could wake the parent."""
    inner = await store(house, graph("g -> t", node("g", "gate")))
    parent = await begin(house, calling(inner))
    await house.gate.reached.wait()
    await reach(house, parent, "waiting")
    told = asyncio.Event()

    async def dies(*_: Any) -> None:
        told.set()
        await asyncio.Event().wait()

    house.executions._driver._family.tell_parent = dies  # type: ignore[method-assign]
    house.gate.open.set()
    await told.wait()
    await house.stop()
    house.start()
    await house.executions.adopt()
    ended = await house.executions.wait(house.user, parent, 30)
    assert (ended.status, ended.result) == ("completed", {"t": "t"})


async def test_a_child_whose_parent_is_gone_ends_when_it_is_taken_up(house: House) -> None:
    inner = await store(house, graph("g", node("g", "gate")))
    parent = await begin(house, calling(inner))
    await house.gate.reached.wait()
    await reach(house, parent, "waiting")

    async def dies(*_: Any) -> None:
        raise asyncio.CancelledError

    house.executions._cancelling.cancel_children = dies  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await house.executions.cancel(house.user, parent)
    await house.stop()
    house.start()
    await house.executions.adopt()
    [child] = await children(house, inner)
    await reach(house, child.execution_id, "cancelled")


async def test_what_is_not_waited_for_lives_on_its_own(house: House) -> None:
    inner = await store(house, graph("g -> t", node("g", "gate")))
    parent = await begin(house, calling(inner, config={"wait": False}))
    ended = await house.executions.wait(house.user, parent, 30)
    [child] = await children(house, inner)
    assert ended.result == {"execution_id": child.execution_id}
    house.gate.open.set()
    assert (await reach(house, child.execution_id, "completed")).result == {"t": "t"}


async def test_others_workflows_and_wrong_inputs_are_refused_by_the_node(house: House) -> None:
    theirs = (await house.workflows.create(house.other, DOUBLE)).id
    mine = await store(house, DOUBLE)
    for raw, code in (
        (calling(theirs, {"word": "x"}), "WORKFLOW_NOT_FOUND"),
        (calling(mine, {"words": "x"}), "INVALID_INPUT"),
        (calling(mine, "{{ nodes.a.output }}"), "INVALID_SETTING"),
    ):
        ended = await house.executions.wait(house.user, await begin(house, raw), 30)
        assert ended.error is not None
        assert ended.error["code"] == code


async def test_an_approval_in_a_child_is_answered_there_and_the_parent_goes_on(house: House) -> None:
    asking = graph("ask; ask:approved -> yes; ask:rejected -> no", node("ask", "approval", {
        "form": [{"name": "n", "type": "integer"}]}))  # fmt: skip
    inner = await store(house, asking)
    parent = await begin(house, calling(inner))
    await reach(house, parent, "waiting")
    child: ExecutionId | None = None
    while child is None:
        found = await children(house, inner)
        child = found[0].execution_id if found and found[0].status == "waiting" else None
        await asyncio.sleep(0.01)
    await answer(house, child, n=3)
    ended = await house.executions.wait(house.user, parent, 30)
    assert ended.result == {"yes": "yes"}
