"""Executions through their service: started, followed, cancelled, and taken up after a stop."""

import asyncio
from typing import Any

import pytest

from awe_app.adapters.execution_store import ExecutionStore
from awe_app.domain.errors import Conflict, Invalid, NotFound, Unavailable
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId
from awe_app.domain.messages import Message
from awe_app.domain.node import NodeContext, Outputs
from awe_app.domain.pages import PageQuery
from tests.builders import graph, node
from tests.services.conftest import Gate, GateConfig, House

GATED = graph("a -> gate -> end", node("gate", "gate", {}), node("end", "output", {}))


async def start(house: House, raw: dict[str, Any], inputs: dict[str, Any] | None = None, **rest: Any) -> ExecutionState:
    stored = await house.workflows.create(house.user, raw)
    return await house.executions.start(house.user, stored.id, inputs or {}, **rest)


async def follow(house: House, execution_id: ExecutionId, after_seq: int = 0) -> list[Message]:
    return [m async for m in house.executions.follow(house.user, execution_id, after_seq)]


async def test_an_execution_runs_to_its_end_and_is_found_again(house: House) -> None:
    raw = graph(
        "i -> t -> o", node("i", "input", {"fields": [{"name": "n", "type": "integer"}]}), node("o", "output", {})
    )
    begun = await start(house, raw, {"n": "3"})
    assert begun.status == "pending"
    ended = await house.executions.wait(house.user, begun.execution_id, 10)
    assert (ended.status, ended.result, ended.inputs) == ("completed", "t", {"n": 3})
    assert await house.executions.get(house.user, begun.execution_id) == ended
    page = await house.executions.list(house.user, PageQuery())
    assert [(row.execution_id, row.status, row.result) for row in page.items] == [
        (begun.execution_id, "completed", "t")
    ]


async def test_a_follower_gets_every_message_once_in_order_and_text_as_it_comes(house: House) -> None:
    begun = await start(house, GATED)
    following = asyncio.create_task(follow(house, begun.execution_id))
    await house.gate.reached.wait()
    await asyncio.sleep(0)
    house.gate.open.set()
    messages = await following
    numbered = [m for m in messages if m.seq is not None]
    assert [m.seq for m in numbered] == list(range(1, len(numbered) + 1))
    assert numbered[-1].type == "complete"
    assert numbered[-1].data["status"] == "completed"
    assert numbered == [m for m in await follow(house, begun.execution_id) if m.seq is not None]
    for after in (0, 3, len(numbered) - 1, len(numbered)):
        assert await follow(house, begun.execution_id, after) == numbered[after:]


async def test_what_was_told_is_stored(house: House) -> None:
    begun = await start(house, GATED)
    house.gate.open.set()
    async for message in house.executions.follow(house.user, begun.execution_id):
        if message.seq is not None:
            stored = await house.executions.get(house.user, begun.execution_id)
            assert stored.seq >= message.seq


async def test_the_same_idempotency_key_gives_the_same_execution(house: House) -> None:
    stored = await house.workflows.create(house.user, graph("a"))
    starts = (house.executions.start(house.user, stored.id, {}, "key-1") for _ in range(5))
    ids = {state.execution_id for state in await asyncio.gather(*starts)}
    assert len(ids) == 1
    other = await house.executions.start(house.user, stored.id, {}, "key-2")
    assert other.execution_id not in ids


async def test_errors_remaining_and_wrong_inputs_keep_it_from_starting(house: House) -> None:
    with pytest.raises(Invalid, match="INVALID_WORKFLOW"):
        await start(house, graph("", node("a", config={})))
    with pytest.raises(Invalid, match="INVALID_INPUT"):
        await start(house, graph("", node("i", "input", {"fields": [{"name": "n", "required": True}]})))
    assert (await house.executions.list(house.user, PageQuery())).total == 0


async def test_others_see_nothing_of_it(house: House) -> None:
    begun = await start(house, graph("a"))
    await house.executions.wait(house.user, begun.execution_id, 10)
    with pytest.raises(NotFound, match="EXECUTION_NOT_FOUND"):
        await house.executions.get(house.other, begun.execution_id)
    with pytest.raises(NotFound):
        await house.executions.wait(house.other, begun.execution_id, 0)
    with pytest.raises(NotFound):
        await house.executions.logs(house.other, begun.execution_id)
    with pytest.raises(NotFound):
        await house.executions.cancel(house.other, begun.execution_id)
    with pytest.raises(NotFound):
        await anext(house.executions.follow(house.other, begun.execution_id))


async def test_cancelling_stops_a_running_node_at_once_and_is_final(house: House) -> None:
    begun = await start(house, GATED)
    await house.gate.reached.wait()
    cancelled = await house.executions.cancel(house.user, begun.execution_id)
    assert cancelled.status == "cancelled"
    assert cancelled.node_states["gate"].status == "cancelled"
    house.gate.open.set()
    assert (await house.executions.get(house.user, begun.execution_id)).status == "cancelled"
    assert (await follow(house, begun.execution_id))[-1].data["status"] == "cancelled"
    with pytest.raises(Conflict, match="EXECUTION_ENDED"):
        await house.executions.cancel(house.user, begun.execution_id)


async def test_a_failed_node_ends_it_with_the_reason(house: House) -> None:
    house.gate.open.set()
    begun = await start(house, graph("", node("gate", "gate", {"fails": True})))
    ended = await house.executions.wait(house.user, begun.execution_id, 10)
    assert ended.status == "failed"
    assert ended.error == {"code": "GATE", "detail": "the gate fell", "node_id": "gate"}
    (row,) = (await house.executions.list(house.user, PageQuery(), status="failed")).items
    assert row.error is not None
    assert row.error["code"] == "GATE"


async def test_what_was_stopped_half_way_goes_on_by_itself_and_repeats_nothing(house: House) -> None:
    begun = await start(house, GATED)
    await house.gate.reached.wait()
    await house.stop()
    house.start()
    house.gate.open.set()
    assert await house.executions.adopt() == 1
    ended = await house.executions.wait(house.user, begun.execution_id, 10)
    assert (ended.status, ended.result) == ("completed", "a")
    messages = await follow(house, begun.execution_id)
    finished = [m.data["node_id"] for m in messages if m.type == "state" and m.data.get("status") == "completed"]
    assert sorted(p for p in finished if p) == ["a", "end", "gate"]
    assert house.gate.began == ["gate", "gate"]  # in flight at the stop, so begun again; never after it has finished
    assert ended.node_states["gate"].attempts == 2
    assert await house.executions.adopt() == 0


async def test_a_queued_execution_is_not_lost_either(house: House) -> None:
    begun = [await start(house, GATED) for _ in range(12)]  # more than run at the same time
    await house.stop()
    house.start()
    house.gate.open.set()
    assert await house.executions.adopt() == 12
    ended = [await house.executions.wait(house.user, state.execution_id, 60) for state in begun]
    assert {state.status for state in ended} == {"completed"}


async def test_the_graph_is_kept_as_it_was_then(house: House) -> None:
    stored = await house.workflows.create(house.user, GATED)
    begun = await house.executions.start(house.user, stored.id, {})
    await house.workflows.update(house.user, stored.id, graph("other"), None)
    house.gate.open.set()
    ended = await house.executions.wait(house.user, begun.execution_id, 10)
    assert ended.result == "a"
    then = await house.executions.workflow_of(house.user, begun.execution_id)
    assert [n.id for n in then.nodes] == [n.id for n in stored.workflow.nodes]
    await house.workflows.delete(house.user, stored.id)
    assert (await house.executions.get(house.user, begun.execution_id)).result == "a"


async def test_a_workflow_that_makes_no_plan_any_more_fails_its_executions(house: House) -> None:
    begun = await start(house, GATED)
    await house.gate.reached.wait()
    await house.stop()
    house.start({})
    await house.executions.adopt()
    ended = await house.executions.wait(house.user, begun.execution_id, 10)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["code"] == "INVALID_WORKFLOW"


async def test_logs_come_after_a_seq(house: House) -> None:
    begun = await start(house, graph("a"))
    await house.executions.wait(house.user, begun.execution_id, 10)
    lines = await house.executions.logs(house.user, begun.execution_id)
    assert [line.message for line in lines] == ["Started 'Test'", "Completed"]
    assert await house.executions.logs(house.user, begun.execution_id, lines[0].seq) == lines[1:]


async def test_a_node_that_gives_what_cannot_be_stored_fails_its_execution(house: House) -> None:
    class Odd(Gate):
        """Gives a set."""

        async def run(self, ctx: NodeContext[GateConfig]) -> Outputs:
            return {"out": {1, 2}}

    await house.stop()
    house.start({"gate": Odd})
    begun = await start(house, GATED)
    ended = await house.executions.wait(house.user, begun.execution_id, 10)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["code"] == "NOT_JSON"
    assert ended.node_states["gate"].status == "cancelled"


async def test_a_database_that_was_away_costs_time_but_no_execution(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = ["once"]

    async def claim_later(execution_id: ExecutionId) -> object:
        if away:
            raise Unavailable("STORAGE_ERROR", f"away {away.pop()}")
        return await found.claim(execution_id)

    begun = await start(house, GATED)
    await house.gate.reached.wait()
    await house.stop()
    house.start()
    house.gate.open.set()
    found = ExecutionStore(house.database, house.executions._store.driver)
    monkeypatch.setattr(house.executions._store, "claim", claim_later)
    assert await house.executions.adopt() == 1
    ended = await house.executions.wait(house.user, begun.execution_id, 20)
    assert ended.status == "completed"
