"""Events sent to executions: early, in time, while it is put down, across restarts, and by whom."""

import asyncio
from typing import Any

import pytest

from awe_app.domain.errors import Conflict, NotFound
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path
from tests.builders import graph, node
from tests.services.conftest import House
from tests.services.test_waiting import begin, reach


def wait(node_id: str, *events: str, **config: Any) -> dict:
    return node(node_id, "wait_for", {"events": list(events), **config})


LISTENS = graph("a -> w -> end", wait("w", "go"), node("end", "output", {}))


async def test_an_event_takes_a_waiting_execution_on(house: House) -> None:
    execution_id = await begin(house, LISTENS)
    await reach(house, execution_id, "waiting")
    await house.executions.send(house.user, execution_id, "other", 1)
    await house.executions.send(house.user, execution_id, "go", {"n": 2})
    ended = await reach(house, execution_id, "completed")
    assert ended.result == {"n": 2}
    assert [(event.name, event.by) for event in ended.events] == [("other", "ann"), ("go", "ann")]


async def test_an_event_that_comes_before_anything_runs_is_kept(house: House) -> None:
    stored = await house.workflows.create(house.user, LISTENS)
    begun = await house.executions.start(house.user, stored.id, {})
    await house.executions.send(house.user, begun.execution_id, "go", 3)
    assert (await reach(house, begun.execution_id, "completed")).result == 3


async def test_an_event_reaches_a_running_execution_at_once(house: House) -> None:
    raw = graph(
        "gate -> m; w -> m; m -> end",
        node("gate", "gate", {}),
        wait("w", "stop"),
        node("m", "merge", {"mode": "first", "cancel_rest": True}),
        node("end", "output", {}),
    )
    execution_id = await begin(house, raw)
    await house.gate.reached.wait()
    await house.executions.send(house.user, execution_id, "stop", "stopped")
    ended = await reach(house, execution_id, "completed")
    assert ended.result == "stopped"
    assert ended.node_states[Path("gate")].status == "cancelled"


async def test_many_events_sent_at_once_are_each_taken_once(house: House) -> None:
    many = 20
    raw = graph("", node("each", "loop", {"mode": "repeat", "times": many}), {**wait("w", "go"), "parent_id": "each"})
    execution_id = await begin(house, raw)
    await asyncio.gather(*(house.executions.send(house.user, execution_id, "go", n) for n in range(many)))
    ended = await reach(house, execution_id, "completed")
    assert sorted(ended.result["each"]) == list(range(many))


async def test_events_survive_a_restart(house: House) -> None:
    raw = graph("gate -> w -> end", node("gate", "gate", {}), wait("w", "go"), node("end", "output", {}))
    execution_id = await begin(house, raw)
    await house.gate.reached.wait()
    await house.executions.send(house.user, execution_id, "go", "kept")
    await house.stop()
    house.start()
    house.gate.open.set()
    await house.executions.adopt()
    assert (await reach(house, execution_id, "completed")).result == "kept"


async def test_who_may_not_see_it_may_not_send_and_what_has_ended_takes_nothing(house: House) -> None:
    execution_id = await begin(house, LISTENS)
    with pytest.raises(NotFound, match="EXECUTION_NOT_FOUND"):
        await house.executions.send(house.other, execution_id, "go", 1)
    await house.executions.send(house.user, execution_id, "go", 1)
    await reach(house, execution_id, "completed")
    with pytest.raises(Conflict, match="EXECUTION_ENDED"):
        await house.executions.send(house.user, execution_id, "go", 1)
    with pytest.raises(NotFound, match="EXECUTION_NOT_FOUND"):
        await house.executions.send(house.user, ExecutionId("none"), "go", 1)


async def test_what_the_workflow_called_off_stays_so_after_a_restart(house: House) -> None:
    raw = graph(
        "slow -> m; b -> m; m -> gate -> end",
        node("slow", "delay", {"seconds": 3600}),
        node("m", "merge", {"mode": "first", "cancel_rest": True}),
        node("gate", "gate", {}),
        node("end", "output", {}),
    )
    execution_id = await begin(house, raw)
    await house.gate.reached.wait()
    await house.stop()
    house.start()
    house.gate.open.set()
    await house.executions.adopt()
    ended: ExecutionState = await reach(house, execution_id, "completed")
    assert ended.result == "b"
    assert ended.node_states[Path("slow")].status == "cancelled"
