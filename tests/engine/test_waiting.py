"""Waiting: delays and approvals park the execution, and it goes on exactly there."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path
from awe_app.engine.deps import Signals
from tests.builders import graph, node, run
from tests.engine.test_execute import TYPES, Probe, probe

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ASKED = graph(
    "a -> ask; ask:approved -> yes -> end; ask:rejected -> no -> end",
    node("ask", "approval", {"message": "Send {{ nodes.a.output }}?", "form": [{"name": "why"}]}),
    node("end", "output", {}),
)


@pytest.fixture(autouse=True)
def _forget() -> None:
    Probe.began.clear()
    Probe.ended.clear()


def again(events: list[ev.Event]) -> ExecutionState:
    return ExecutionState(ExecutionId("test")).fold(events)


def answer(path: str, decision: str = "approved", **rest: Any) -> Signals:
    return Signals({Path(path): {"decision": decision, "by": "ann", "comment": "", "form": {}, **rest}})


async def test_an_approval_parks_the_execution_and_says_what_is_asked() -> None:
    state, happened = await run(ASKED)
    assert state.status == "waiting"
    assert state.node_states["ask"].status == "waiting"
    assert isinstance(happened[-1], ev.ExecutionParked)
    waiting = state.node_states["ask"].waiting
    assert waiting is not None
    assert waiting.data is not None
    assert waiting.data["message"] == "Send a?"


@pytest.mark.parametrize(("decision", "result"), [("approved", "yes"), ("rejected", "no")])
async def test_the_answer_takes_it_on_from_there(decision: str, result: str) -> None:
    _, before = await run(ASKED)
    state, _ = await run(ASKED, done=again(before), signals=answer("ask", decision, form={"why": "x"}))
    whole = again(before)
    assert (state.status, state.result) == ("completed", result)
    assert state.node_states["ask"].output == {"decision": decision, "by": "ann", "comment": "", "form": {"why": "x"}}
    assert whole.node_states["a"].attempts == 1


async def test_waking_without_an_answer_parks_again_without_asking_twice() -> None:
    _, before = await run(ASKED)
    _, later = await run(ASKED, done=again(before))
    assert [type(e).__name__ for e in later] == ["ExecutionResumed", "ExecutionParked"]


async def test_the_rest_runs_while_a_node_waits() -> None:
    raw = graph("ask:approved -> yes; work -> more", node("ask", "approval", {}), probe("work"), probe("more"))
    state, _ = await run(raw, types=TYPES)
    assert Probe.ended == ["work", "more"]
    assert state.status == "waiting"


async def test_an_answer_delivered_while_it_runs_is_taken_at_once() -> None:
    signals = Signals()
    raw = graph("ask:approved -> yes; slow", node("ask", "approval", {}), probe("slow", waits_s=0.2))

    async def durable(_seq: int) -> None:
        signals.deliver(Path("ask"), {"decision": "approved", "by": "ann"})

    state, _ = await run(raw, types=TYPES, signals=signals, durable=durable)
    assert state.status == "completed"
    assert state.node_states["yes"].status == "completed"


@pytest.mark.parametrize(
    ("on_timeout", "status", "result"),
    [("approve", "completed", "yes"), ("reject", "completed", "no"), ("fail", "failed", None)],
)
async def test_when_nobody_answers_in_time(on_timeout: str, status: str, result: str | None) -> None:
    raw = graph(
        "ask:approved -> yes -> end; ask:rejected -> no -> end",
        node("ask", "approval", {"timeout_s": 60, "on_timeout": on_timeout}),
        node("end", "output", {}),
    )
    _, before = await run(raw, clock=lambda: NOON)
    parked = before[-1]
    assert isinstance(parked, ev.ExecutionParked)
    assert parked.wake_at == NOON + timedelta(seconds=60)
    early, _ = await run(raw, done=again(before), clock=lambda: NOON + timedelta(seconds=59))
    assert early.status == "waiting"
    late, _ = await run(raw, done=again(before), clock=lambda: NOON + timedelta(seconds=60))
    assert (late.status, late.result) == (status, result)


async def test_a_long_delay_parks_and_goes_on_when_its_moment_has_come() -> None:
    raw = graph("a -> wait -> end", node("wait", "delay", {"seconds": 3600}), node("end", "output", {}))
    state, before = await run(raw, clock=lambda: NOON)
    assert state.status == "waiting"
    parked = before[-1]
    assert isinstance(parked, ev.ExecutionParked)
    assert parked.wake_at == NOON + timedelta(hours=1)
    late, _ = await run(raw, done=again(before), clock=lambda: NOON + timedelta(hours=1, seconds=1))
    assert (late.status, late.result) == ("completed", "a")


async def test_a_delay_is_not_made_longer_by_a_crash() -> None:
    raw = graph("", node("wait", "delay", {"seconds": 3600}))
    _, before = await run(raw, clock=lambda: NOON)
    started_only = [event for event in before if not isinstance(event, ev.NodeWaiting | ev.ExecutionParked)]
    _, later = await run(raw, done=again(started_only), clock=lambda: NOON + timedelta(minutes=30))
    waiting = [event.until for event in later if isinstance(event, ev.NodeWaiting)]
    assert waiting == [NOON + timedelta(hours=1)]


async def test_a_short_delay_is_slept_through_and_hands_on_what_came() -> None:
    state, _ = await run(graph("a -> wait -> end", node("wait", "delay", {"seconds": 0.01}), node("end", "output", {})))
    assert (state.status, state.result) == ("completed", "a")


async def test_where_nothing_parks_the_run_waits_for_the_moment_itself() -> None:
    slept: list[float] = []

    async def sleep(wait_s: float) -> None:
        slept.append(wait_s)
        moment[0] += timedelta(seconds=wait_s)

    moment = [NOON]
    state, _ = await run(
        graph("", node("wait", "delay", {"seconds": 3600})), parks=False, sleep=sleep, clock=lambda: moment[0]
    )
    assert state.status == "completed"
    assert slept == [3600]


async def test_a_failure_elsewhere_ends_the_wait() -> None:
    raw = graph("ask:approved -> yes; bad", node("ask", "approval", {}), probe("bad", fails=1, waits_s=0.02))
    state, _ = await run(raw, types=TYPES)
    assert state.status == "failed"
    assert state.node_states["ask"].status == "cancelled"


async def test_approvals_inside_a_loop_are_asked_one_by_one_and_remembered() -> None:
    raw = graph("", node("each", "loop", {"items": [1, 2]}), {**node("ask", "approval", {}), "parent_id": "each"})
    _, first = await run(raw)
    assert again(first).node_states["each[0]/ask"].status == "waiting"
    second_state, second = await run(raw, done=again(first), signals=answer("each[0]/ask"))
    assert second_state.node_states["each[1]/ask"].status == "waiting"
    done = again([*first, *second])
    third, _ = await run(raw, done=done, signals=answer("each[1]/ask", "rejected"))
    assert [row["decision"] for row in third.result["each"]] == ["approved", "rejected"]


async def test_a_wait_beside_nodes_that_run_does_not_keep_the_loop_busy() -> None:
    """Found by the simulation: each alarm that was put off woke the run, which put the next one off."""
    alarms: list[float] = []

    async def sleep(wait_s: float) -> None:
        alarms.append(wait_s)
        await asyncio.sleep(wait_s)

    raw = graph("", node("wait", "delay", {"seconds": 3600}), probe("slow", waits_s=0.2))
    state, _ = await run(raw, types=TYPES, sleep=sleep)
    assert state.status == "waiting"
    assert len(alarms) < 10


async def test_a_pass_that_failed_is_not_run_again_when_the_loop_goes_on() -> None:
    """Found by the simulation: every answer to another pass ran the failed ones again."""
    raw = graph(
        "pick:true -> bad; pick:false -> ask",
        node("each", "loop", {"items": [0, 1], "concurrency": 2, "on_item_error": "collect"}),
        {**node("pick", "condition", {"field": "{{ index }}", "value": 0}), "parent_id": "each"},
        probe("bad", {"parent_id": "each"}, fails=9),
        {**node("ask", "approval", {}), "parent_id": "each"},
    )
    _, before = await run(raw, types=TYPES)
    state, later = await run(raw, types=TYPES, done=again(before), signals=answer("each[1]/ask"))
    assert state.status == "completed"
    assert Probe.began == ["each[0]/bad"]
    assert again([*before, *later]).node_states[Path("each[0]/bad")].status == "failed"
