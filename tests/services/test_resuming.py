"""Going on after a failure, running from a node, up to a node, with pinned outputs and within a budget."""

import asyncio
from typing import Any

import pytest

from awe_app.domain.errors import Conflict, Invalid, NotFound
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, NodeId, Path
from awe_app.domain.options import Budget
from awe_app.services.driver import Driver
from tests.builders import graph, node
from tests.services.conftest import House
from tests.services.test_waiting import begin, reach

MENDABLE = graph(
    "start -> first -> g -> last",
    node("start", "input", {"fields": [{"name": "word", "type": "text", "default": "hi"}]}),
    node("first", config={"template": "{{ inputs.word }}!"}),
    node("g", "gate", {"fails": True}),
    node("last", config={"template": "got {{ nodes.g.output }}"}),
)


async def ended(house: House, execution_id: ExecutionId) -> ExecutionState:
    return await house.executions.wait(house.user, execution_id, 60)


async def failed(house: House, raw: dict[str, Any] = MENDABLE) -> ExecutionId:
    house.gate.open.set()
    execution_id = await begin(house, raw)
    assert (await ended(house, execution_id)).status == "failed"
    return execution_id


async def test_a_failed_execution_goes_on_and_repeats_nothing_that_finished(house: House) -> None:
    execution_id = await failed(house)
    before = await house.executions.get(house.user, execution_id)
    resumed = await house.executions.resume(house.user, execution_id)
    assert (resumed.execution_id, resumed.status, resumed.completed_at) == (execution_id, "running", None)
    after = await ended(house, execution_id)
    assert after.status == "failed"  # the workflow still says that it fails
    assert house.gate.began == ["g", "g"]
    for path in ("start", "first"):
        assert after.node_states[Path(path)] == before.node_states[Path(path)]
    assert after.node_states[Path("g")].attempts == 2
    assert [line.message for line in after.logs].count("Resumed by ann") == 1


async def test_of_several_who_resume_at_once_one_does_and_its_word_stands_with_the_status(house: House) -> None:
    execution_id = await failed(house)
    house.gate.open.clear()
    answers = await asyncio.gather(
        *(house.executions.resume(house.user, execution_id) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(answer, ExecutionState) for answer in answers) == 1
    assert all(isinstance(answer, ExecutionState | Conflict) for answer in answers)
    await house.executions.cancel(house.user, execution_id)
    events = await house.journal.read(execution_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    kinds = [type(event).__name__ for event in events]
    ends = [kind for kind in kinds if kind in ("ExecutionFailed", "ExecutionResumed", "ExecutionCancelled")]
    assert [kind for kind in ends if kind != "ExecutionResumed"] == ["ExecutionFailed", "ExecutionCancelled"]
    assert [line.message for line in (await house.executions.get(house.user, execution_id)).logs].count(
        "Resumed by ann"
    ) == 1


async def test_an_override_stands_in_for_the_node_that_failed(house: House) -> None:
    execution_id = await failed(house)
    await house.executions.resume(house.user, execution_id, overrides={"g": "by hand"})
    after = await ended(house, execution_id)
    assert (after.status, after.result) == ("completed", {"last": "got by hand"})
    assert house.gate.began == ["g"]
    assert after.node_states[Path("g")].status == "completed"
    events = [type(event).__name__ for event in await house.journal.read(execution_id)]
    assert [event.seq for event in await house.journal.read(execution_id)] == list(range(1, len(events) + 1))
    assert events.count("ExecutionFailed") == events.count("ExecutionCompleted") == 1


async def test_what_finished_in_an_execution_is_not_undone_in_it(house: House) -> None:
    execution_id = await failed(house)
    with pytest.raises(Invalid, match="ALREADY_FINISHED"):
        await house.executions.resume(house.user, execution_id, overrides={"first": "other"})
    with pytest.raises(Invalid, match="UNKNOWN_NODE"):
        await house.executions.resume(house.user, execution_id, overrides={"nobody": 1})
    assert (await house.executions.get(house.user, execution_id)).status == "failed"


async def test_only_what_failed_or_was_cancelled_is_resumed_and_by_its_owner(house: House) -> None:
    done = await begin(house, graph("a"))
    assert (await ended(house, done)).status == "completed"
    running = await begin(house, graph("g", node("g", "gate")))
    await house.gate.reached.wait()
    for execution_id in (done, running):
        with pytest.raises(Conflict, match="NOT_RESUMABLE"):
            await house.executions.resume(house.user, execution_id)
    with pytest.raises(NotFound):
        await house.executions.resume(house.other, done)
    await house.executions.cancel(house.user, running)
    house.gate.open.set()
    await house.executions.resume(house.user, running)
    assert (await ended(house, running)).status == "completed"


async def test_only_one_of_two_who_resume_at_once_does(house: House) -> None:
    execution_id = await failed(house)
    both = await asyncio.gather(
        *(house.executions.resume(house.user, execution_id, overrides={"g": 1}) for _ in range(2)),
        return_exceptions=True,
    )
    assert sorted(isinstance(outcome, Conflict) for outcome in both) == [False, True]
    assert (await ended(house, execution_id)).status == "completed"


async def test_a_follower_of_a_resumed_execution_sees_one_end_and_no_gap(house: House) -> None:
    execution_id = await failed(house)
    await house.executions.resume(house.user, execution_id, overrides={"g": 1})
    await ended(house, execution_id)
    told = [message async for message in house.executions.follow(house.user, execution_id)]
    assert [message.seq for message in told] == list(range(1, len(told) + 1))
    assert [message.type for message in told].count("complete") == 1
    assert told[-1].data["status"] == "completed"


async def test_a_resumed_execution_survives_a_crash_like_any_other(house: House) -> None:
    house.gate.open.set()
    execution_id = await failed(house)
    house.gate.open.clear()
    await house.executions.resume(house.user, execution_id)
    while len(house.gate.began) < 2:
        await house.gate.reached.wait()
        house.gate.reached.clear()
    await house.stop()
    house.gate.open.set()
    house.start()
    await house.executions.adopt()
    assert (await ended(house, execution_id)).status == "failed"
    assert house.gate.began == ["g"] * 3


async def test_a_crash_while_it_is_taken_up_again_still_gives_it_its_chance(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies as soon as the execution was opened again, and before anybody drives it."""
    execution_id = await failed(house)
    house.gate.began.clear()

    def dies(*_: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as crash:
        crash.setattr(Driver, "forget_end", dies)
        with pytest.raises(asyncio.CancelledError):
            await house.executions.resume(house.user, execution_id)
    await house.stop()
    house.start()
    await house.executions.adopt()
    assert (await ended(house, execution_id)).status == "failed"
    assert house.gate.began == ["g"]


async def test_running_from_a_node_reuses_what_came_before_and_tries_the_mended_workflow(house: House) -> None:
    house.gate.open.set()
    stored = await house.workflows.create(house.user, MENDABLE)
    first = (await house.executions.start(house.user, stored.id, {"word": "ho"})).execution_id
    assert (await ended(house, first)).status == "failed"
    mended = {**MENDABLE, "nodes": [dict(each) for each in MENDABLE["nodes"]]}
    mended["nodes"][1]["template_config"] = {"template": "another text"}
    mended["nodes"][2]["gate_config"] = {"fails": False}
    await house.workflows.update(house.user, stored.id, mended, None)
    again = await house.executions.resume(house.user, first, "g", idempotency_key="k")
    assert again.execution_id != first
    assert (
        await house.executions.resume(house.user, first, "g", idempotency_key="k")
    ).execution_id == again.execution_id
    state = await ended(house, again.execution_id)
    assert (state.status, state.result, state.inputs) == ("completed", {"last": "got ho!"}, {"word": "ho"})
    assert state.node_states[Path("first")].attempts == 0
    assert state.node_states[Path("g")].attempts == 1
    assert (await house.executions.get(house.user, first)).status == "failed"


async def test_overrides_change_what_came_before(house: House) -> None:
    done = await begin(house, graph("a -> b -> c", node("b", config={"template": "{{ nodes.a.output }}b"}),
                                    node("c", config={"template": "{{ nodes.b.output }}c"})))  # fmt: skip
    assert (await ended(house, done)).result == {"c": "abc"}
    again = await house.executions.resume(house.user, done, "b", {"a": "x"})
    assert (await ended(house, again.execution_id)).result == {"c": "xbc"}
    for wrong in ({"nobody": 1}, {"": 1}):
        with pytest.raises(Invalid, match="UNKNOWN_NODE"):
            await house.executions.resume(house.user, done, "b", wrong)
    with pytest.raises(Invalid, match="UNKNOWN_NODE"):
        await house.executions.resume(house.user, done, "nobody")


async def test_a_branch_keeps_its_port_and_variables_their_values_when_run_from_behind(house: House) -> None:
    raw = graph(
        "set -> more; more:true -> yes -> last; more:false -> no -> last",
        node("set", "set_variable", {"assignments": [{"name": "tone", "value": "loud"}]}),
        node("more", "condition", {"field": "x", "operator": "equals", "value": "x"}),
        node("last", config={"template": "{{ variables.tone }} {{ nodes.yes.output }}{{ nodes.no.output }}"}),
        variables={"tone": "plain"},
    )
    done = await begin(house, raw)
    assert (await ended(house, done)).result == {"last": "loud yes"}
    state = await ended(house, (await house.executions.resume(house.user, done, "last")).execution_id)
    assert state.result == {"last": "loud yes"}
    assert state.node_states[Path("no")].status == "skipped"
    with pytest.raises(Invalid, match="PORT_UNKNOWN"):
        await house.executions.start(
            house.user, (await house.workflows.create(house.user, raw)).id, {}, pins={"more": "x"}
        )


async def test_a_loop_is_reused_whole(house: House) -> None:
    house.gate.open.set()
    raw = graph(
        "each -> last",
        node("each", "loop", {"mode": "for_each", "items": [1, 2, 3]}),
        node("g", "gate", parent_id="each"),
        node("keep", "set_variable", {"assignments": [{"name": "n", "value": "{{ item }}"}]}, parent_id="each"),
        node("last", config={"template": "{{ variables.n }}"}),
        variables={"n": 0},
    )
    done = await begin(house, raw)
    assert (await ended(house, done)).result == {"last": "3"}
    state = await ended(house, (await house.executions.resume(house.user, done, "last")).execution_id)
    assert state.result == {"last": "3"}
    assert len(house.gate.began) == 3


async def test_running_until_a_node_runs_what_it_needs_and_nothing_else(house: House) -> None:
    raw = graph("a -> b -> c; x -> c -> d", node("d", config={"template": ""}), node("unfinished", "switch", {}))
    stored = await house.workflows.create(house.user, raw)
    with pytest.raises(Invalid, match="INVALID_WORKFLOW"):
        await house.executions.start(house.user, stored.id, {})
    begun = await house.executions.start(house.user, stored.id, {}, until=NodeId("b"))
    state = await ended(house, begun.execution_id)
    assert (state.status, state.result) == ("completed", {"b": "b"})
    assert set(state.node_states) == {"a", "b"}
    with pytest.raises(Invalid, match="UNKNOWN_NODE"):
        await house.executions.start(house.user, stored.id, {}, until=NodeId("nobody"))


async def test_pinned_outputs_stand_in_and_outlive_a_crash(house: House) -> None:
    raw = graph("a -> g -> b", node("g", "gate"), node("b", config={"template": "{{ nodes.a.output }}"}))
    stored = await house.workflows.create(house.user, raw)
    begun = await house.executions.start(house.user, stored.id, {}, pins={"a": "pinned"})
    await house.gate.reached.wait()
    await house.stop()
    house.gate.open.set()
    house.start()
    await house.executions.adopt()
    state = await ended(house, begun.execution_id)
    assert state.result == {"b": "pinned"}
    assert state.node_states[Path("a")].attempts == 0


@pytest.mark.parametrize(
    ("budget", "says"), [(Budget(nodes=2), "2 node runs"), (Budget(seconds=0.2), "longer than 0.2 s")]
)
async def test_a_spent_budget_ends_the_execution_and_a_larger_one_takes_it_on(
    house: House, budget: Budget, says: str
) -> None:
    await house.executions.adopt()  # which watches the clock
    stored = await house.workflows.create(house.user, graph("a -> g -> b", node("g", "gate")))
    begun = await house.executions.start(house.user, stored.id, {}, budget=budget)
    if budget.nodes:
        house.gate.open.set()
    state = await ended(house, begun.execution_id)
    assert state.error is not None
    assert state.error["code"] == "BUDGET_EXCEEDED"
    assert says in str(state.error["detail"])
    house.gate.open.set()
    await house.executions.resume(house.user, begun.execution_id, budget=Budget(nodes=100))
    assert (await reach(house, begun.execution_id, "completed")).result == {"b": "b"}
