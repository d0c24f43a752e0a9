"""Events: kept until a node takes them, each taken once, and nothing of that is lost in a crash."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import Path
from awe_app.engine.deps import Signals
from awe_app.engine.validate import validate
from awe_app.nodes.registry import discover
from tests.builders import graph, node, read, run
from tests.engine.crashes import fold, same_after_any_crash
from tests.engine.test_execute import TYPES, Probe, probe
from tests.engine.test_loops import inside, loop

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _forget() -> None:
    Probe.began.clear()
    Probe.ended.clear()


def wait(node_id: str, *events: str, **config: Any) -> dict:
    return node(node_id, "wait_for", {"events": list(events), **config})


def emit(node_id: str, event: str, **config: Any) -> dict:
    return node(node_id, "emit", {"event": event, **config})


def sent(*events: tuple[str, Any]) -> Signals:
    known: Mapping[Path, Any] = {
        Path(f"@{name}/{number}"): {"event": name, "data": data, "by": "ann"}
        for number, (name, data) in enumerate(events)
    }
    return Signals(known)


def outputs(state: ExecutionState) -> dict[str, Any]:
    return {path: n.output for path, n in state.node_states.items() if n.status == "completed"}


async def test_a_node_waits_for_an_event_and_goes_on_by_its_port() -> None:
    raw = graph("w:paid -> yes; w:refused -> no", wait("w", "paid", "refused"))
    parked, before = await run(raw)
    assert parked.status == "waiting"
    waiting = parked.node_states[Path("w")].waiting
    assert waiting is not None
    assert (waiting.reason, waiting.data) == ("event", {"events": ["paid", "refused"], "since": "start"})
    state, later = await run(raw, done=fold(before), signals=sent(("refused", 7)))
    whole = fold([*before, *later])
    assert whole.node_states[Path("w")].outputs == {"refused": 7}
    assert whole.node_states[Path("yes")].status == "skipped"
    assert state.status == "completed"


async def test_an_event_that_another_node_sends_is_taken_in_the_same_run() -> None:
    raw = graph("a -> say; w -> end", emit("say", "hello"), wait("w", "hello"), node("end", "output", {}))
    state = await same_after_any_crash(raw)
    assert state.result == "a"


async def test_an_event_is_taken_once_by_the_node_that_waited_longest() -> None:
    raw = graph("a -> b -> late; say", wait("early", "x"), wait("late", "x"), probe("b"), probe("c"))
    _, before = await run(raw, types=TYPES)
    state, later = await run(raw, types=TYPES, done=fold(before), signals=sent(("x", 1)))
    assert state.status == "waiting"
    whole = fold([*before, *later])
    assert (whole.node_states[Path("early")].output, whole.node_states[Path("late")].status) == (1, "waiting")
    both, _ = await run(raw, types=TYPES, done=whole, signals=sent(("x", 1), ("x", 2)))
    assert (both.status, both.result["late"]) == ("completed", 2)


async def test_events_are_received_and_taken_once_whatever_crashes() -> None:
    raw = graph(
        "a -> one; one -> two; p -> three; one -> z; two -> z; three -> z",
        probe("p"),
        wait("one", "x"),
        wait("two", "x"),
        wait("three", "y"),
    )
    state = await same_after_any_crash(raw, types=TYPES, signals=lambda: sent(("x", 1), ("y", "why"), ("x", 2)))
    assert {name: outputs(state)[name] for name in ("one", "two", "three")} == {"one": 1, "two": 2, "three": "why"}
    received = [event.payload for event in state.events]
    assert received == [1, "why", 2]
    assert sorted(taking.taken for taking in state.takings) == [event.seq for event in state.events]


async def test_since_now_ignores_what_came_before() -> None:
    raw = graph("w -> end", wait("w", "x", since="now"), node("end", "output", {}))
    early, before = await run(raw, signals=sent(("x", 1)))
    assert early.status == "waiting"
    state, _ = await run(raw, done=fold(before), signals=sent(("x", 1), ("x", 2)))
    assert state.result == 2


async def test_when_no_event_comes_in_time_it_leaves_by_timeout() -> None:
    raw = graph("w:x -> yes -> end; w:timeout -> no -> end", wait("w", "x", timeout_s=60), node("end", "output", {}))
    _, before = await run(raw, clock=lambda: NOON)
    parked = before[-1]
    assert isinstance(parked, ev.ExecutionParked)
    assert parked.wake_at == NOON + timedelta(seconds=60)
    early, _ = await run(raw, done=fold(before), clock=lambda: NOON + timedelta(seconds=59))
    assert early.status == "waiting"
    late, _ = await run(raw, done=fold(before), clock=lambda: NOON + timedelta(seconds=60))
    assert late.result == "no"


async def test_an_event_delivered_while_the_run_is_busy_is_taken_at_once() -> None:
    signals = Signals()

    async def durable(_seq: int) -> None:
        if "slow" not in Probe.began:
            signals.deliver(Path("@x/1"), {"event": "x", "data": 5})

    raw = graph(
        "w -> m; slow -> m",
        wait("w", "x"),
        probe("slow", waits_s=600),
        node("m", "merge", {"mode": "first", "cancel_rest": True}),
    )
    state, _ = await run(raw, types=TYPES, signals=signals, durable=durable)
    assert (state.status, state.result) == ("completed", {"m": 5})
    assert state.node_states[Path("slow")].status == "cancelled"


async def test_a_log_line_tells_of_each_event() -> None:
    state, _ = await run(graph("a -> say", emit("say", "hello")))
    assert "Event 'hello'" in [line.message for line in state.logs]


async def test_a_loop_takes_one_more_item_for_each_event() -> None:
    raw = graph(
        "each -> end; work -> small; small:true -> more",
        loop("each", items=[1], more_on="page", concurrency=3),
        inside("each", probe("work", gives="{{ item }}")),
        inside("each", node("small", "condition", {"field": "{{ item }}", "operator": "less_than", "value": 4})),
        inside("each", emit("more", "page", data="{{ sum([item, `1`]) }}")),
        node("end", "output", {"value": "{{ length(nodes.each.output) }}"}),
    )
    state = await same_after_any_crash(raw, types=TYPES)
    assert state.result == 4


async def test_a_loop_is_enough_when_the_event_comes_and_gives_what_is_done() -> None:
    raw = graph(
        "each -> end; work -> slow",
        loop("each", items=[1, 0, 2], enough_on="stop", cancel_rest=True, concurrency=3),
        inside("each", node("is", "condition", {"field": "{{ item }}", "value": 0})),
        inside("each", node("hold", "delay", {"seconds": 3600})),
        inside("each", node("done", config={"template": "{{ item }}"})),
        node("end", "output", {}),
    )
    raw["edges"] = [
        {"id": "1", "source": "each", "target": "end"},
        {"id": "2", "source": "is", "target": "hold", "source_handle": "true"},
        {"id": "3", "source": "hold", "target": "done"},
        {"id": "4", "source": "is", "target": "done", "source_handle": "false"},
    ]
    raw["nodes"] = [n for n in raw["nodes"] if n["id"] not in ("work", "slow")]
    state = await same_after_any_crash(raw, signals=lambda: sent(("stop", None)))
    assert (state.status, state.result) == ("completed", ["1", "2"])


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"events": ["{{ inputs.name }}"]}, "FIXED_SETTING"),
        ({"events": ["timeout"]}, "INVALID_SETTING"),
        ({"events": ["a", "a"]}, "INVALID_SETTING"),
        ({"events": []}, "INVALID_SETTING"),
        ({}, "MISSING_SETTING"),
    ],
)
def test_what_is_waited_for_is_checked_before_anything_runs(config: dict[str, Any], code: str) -> None:
    raw = graph("", node("w", "wait_for", config))
    assert validate(read(raw), discover())[0].code == code
