"""Executions that wait: answers, moments, restarts."""

import asyncio
from typing import Any

import pytest

from awe_app.domain.errors import Conflict, Invalid, NotFound
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path
from tests.builders import graph, node
from tests.services.conftest import House

ASKED = graph(
    "a -> ask; ask:approved -> yes -> end; ask:rejected -> no -> end",
    node("ask", "approval", {"message": "Go on?", "assignees": ["ben"], "form": [{"name": "n", "type": "integer"}]}),
    node("end", "output", {}),
)
ASK = Path("ask")


async def begin(house: House, raw: dict[str, Any]) -> ExecutionId:
    stored = await house.workflows.create(house.user, raw)
    return (await house.executions.start(house.user, stored.id, {})).execution_id


async def reach(house: House, execution_id: ExecutionId, status: str) -> ExecutionState:
    """The execution once it has that status."""
    while (state := await house.executions.get(house.user, execution_id)).status != status:
        await asyncio.sleep(0.01)
    return state


async def answer(house: House, execution_id: ExecutionId, decision: str = "approved", **form: Any) -> ExecutionState:
    return await house.executions.answer(house.user, execution_id, ASK, decision, "fine", form)


@pytest.mark.parametrize(("decision", "result"), [("approved", "yes"), ("rejected", "no")])
async def test_the_answer_takes_the_execution_on(house: House, decision: str, result: str) -> None:
    execution_id = await begin(house, ASKED)
    await reach(house, execution_id, "waiting")
    await answer(house, execution_id, decision, n="3")
    ended = await reach(house, execution_id, "completed")
    assert ended.result == result
    expected = {"decision": decision, "by": "ann", "comment": "fine", "form": {"n": 3}}
    assert ended.node_states[ASK].output == expected


async def test_who_is_asked_may_answer_and_others_may_not_know(house: House) -> None:
    execution_id = await begin(house, ASKED)
    await reach(house, execution_id, "waiting")
    await house.executions.answer(house.other, execution_id, ASK, "approved", "", {})
    ended = await reach(house, execution_id, "completed")
    assert ended.node_states[ASK].output["by"] == "ben"
    private = await begin(house, graph("", node("ask", "approval", {})))
    await reach(house, private, "waiting")
    with pytest.raises(NotFound, match="EXECUTION_NOT_FOUND"):
        await house.executions.answer(house.other, private, ASK, "approved", "", {})


async def test_only_what_is_asked_can_be_answered_and_once(house: House) -> None:
    execution_id = await begin(house, ASKED)
    await reach(house, execution_id, "waiting")
    with pytest.raises(Conflict, match="NOT_WAITING"):
        await house.executions.answer(house.user, execution_id, Path("a"), "approved", "", {})
    with pytest.raises(Invalid, match="INVALID_INPUT"):
        await answer(house, execution_id, n="three")
    both = await asyncio.gather(
        answer(house, execution_id), answer(house, execution_id, "rejected"), return_exceptions=True
    )
    assert sorted(isinstance(outcome, Conflict) for outcome in both) == [False, True]
    await reach(house, execution_id, "completed")
    with pytest.raises(Conflict, match="NOT_WAITING"):
        await answer(house, execution_id)


async def test_the_wait_survives_a_restart_and_an_answer_given_meanwhile_counts(house: House) -> None:
    execution_id = await begin(house, ASKED)
    await reach(house, execution_id, "waiting")
    await house.stop()
    house.start()
    assert await house.executions.adopt() == 0  # it waits for a person, not for a process
    await house.stop()
    house.start()
    await house.executions._store.add_signal(execution_id, ASK, {"decision": "approved", "by": "ann"})
    assert await house.executions.adopt() == 1
    assert (await reach(house, execution_id, "completed")).result == "yes"


async def test_an_answer_is_taken_while_other_nodes_still_run(house: House) -> None:
    raw = graph("ask:approved -> yes; gate", node("ask", "approval", {}), node("gate", "gate", {}))
    execution_id = await begin(house, raw)
    await house.gate.reached.wait()
    while (await house.executions.get(house.user, execution_id)).node_states[ASK].status != "waiting":
        await asyncio.sleep(0.01)
    await answer(house, execution_id)
    while Path("yes") not in (await house.executions.get(house.user, execution_id)).node_states:
        await asyncio.sleep(0.01)
    house.gate.open.set()
    await reach(house, execution_id, "completed")


async def test_a_moment_that_has_come_wakes_the_execution(house: House) -> None:
    await house.executions.adopt()
    raw = graph("", node("ask", "approval", {"timeout_s": 0.5, "on_timeout": "reject"}))
    execution_id = await begin(house, raw)
    ended = await reach(house, execution_id, "completed")
    assert ended.node_states[ASK].output["decision"] == "rejected"


async def test_a_moment_that_came_while_nobody_ran_is_not_missed(house: House) -> None:
    raw = graph("", node("ask", "approval", {"timeout_s": 0.5, "on_timeout": "approve"}))
    execution_id = await begin(house, raw)
    await reach(house, execution_id, "waiting")
    await house.stop()
    await asyncio.sleep(0.6)
    house.start()
    assert await house.executions.adopt() == 1
    await reach(house, execution_id, "completed")


async def test_a_waiting_execution_can_be_cancelled(house: House) -> None:
    execution_id = await begin(house, ASKED)
    await reach(house, execution_id, "waiting")
    cancelled = await house.executions.cancel(house.user, execution_id)
    assert cancelled.node_states[ASK].status == "cancelled"
    with pytest.raises(Conflict):
        await answer(house, execution_id)


async def test_followers_stay_while_it_waits(house: House) -> None:
    execution_id = await begin(house, ASKED)
    seen: list[Any] = []

    async def follow() -> None:
        async for message in house.executions.follow(house.user, execution_id):
            seen.append((message.type, message.data.get("status")))

    following = asyncio.create_task(follow())
    await reach(house, execution_id, "waiting")
    await answer(house, execution_id)
    await following
    assert ("state", "waiting") in seen
    assert seen[-1] == ("complete", "completed")
