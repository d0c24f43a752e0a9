"""What a workflow calls off itself: the rest of a merge's branches, and everything when an output ends the run."""

from typing import Any

import pytest

from awe_app.domain import events as ev
from tests.builders import graph, node, run
from tests.engine.crashes import same_after_any_crash, statuses
from tests.engine.test_execute import TYPES, Probe, probe
from tests.engine.test_loops import inside, loop

FOR_EVER_S = 600


@pytest.fixture(autouse=True)
def _forget() -> None:
    Probe.began.clear()
    Probe.ended.clear()


def first(node_id: str, **config: Any) -> dict:
    return node(node_id, "merge", {"mode": "first", **config})


async def test_a_merge_waits_for_as_many_values_as_it_counts() -> None:
    raw = graph("a -> m; b -> m; slow -> m; m -> end", probe("slow", waits_s=0.1), first("m", count=2), probe("end"))
    state, happened = await run(raw, types=TYPES)
    assert state.node_states["m"].output == {"a": "a", "b": "b"}
    finished = [event.path for event in happened if isinstance(event, ev.NodeFinished)]
    assert finished.index("m") < finished.index("slow")
    assert finished.count("m") == 1
    assert state.node_states["slow"].status == "completed"


async def test_a_merge_goes_on_with_what_there_is_when_no_more_can_come() -> None:
    raw = graph(
        "a -> m; c:true -> m; c:true -> n -> m",
        node("c", "condition", {"field": 1, "value": 2}),
        first("m", count=2),
    )
    state, _ = await run(raw)
    assert state.result["m"] == {"a": "a"}


async def test_a_merge_that_cancels_the_rest_stops_what_runs_waits_and_repeats() -> None:
    raw = graph(
        "quick -> m; slow -> after -> m; ask:approved -> m; each -> m; m -> end",
        probe("quick", gives="quick"),
        probe("slow", waits_s=FOR_EVER_S),
        node("ask", "approval", {}),
        loop("each", items=[1, 2], concurrency=2),
        inside("each", probe("inner", waits_s=FOR_EVER_S)),
        first("m", cancel_rest=True),
        node("end", "output", {}),
    )
    state = await same_after_any_crash(raw, types=TYPES)
    assert (state.status, state.result) == ("completed", "quick")
    assert statuses(state) == {"quick": "completed", "m": "completed", "end": "completed"}
    called_off = {path for path, node_state in state.node_states.items() if node_state.status == "cancelled"}
    assert called_off == {"slow", "after", "ask", "each", "each[0]/inner", "each[1]/inner"}


async def test_what_other_branches_wait_for_is_not_cancelled() -> None:
    raw = graph(
        "a -> b -> m; a -> shared; shared -> m; shared -> other; slow -> m; m -> end",
        probe("shared", waits_s=0.02, gives="kept"),
        probe("slow", waits_s=FOR_EVER_S),
        first("m", cancel_rest=True),
    )
    state = await same_after_any_crash(raw, types=TYPES)
    assert state.node_states["shared"].output == "kept"
    assert state.node_states["other"].status == "completed"
    assert state.node_states["slow"].status == "cancelled"


async def test_an_output_that_ends_the_run_does_so_at_once_with_its_value() -> None:
    raw = graph(
        "a -> stop; b -> last; slow -> last",
        node("stop", "output", {"value": "enough", "ends": True}),
        probe("slow", waits_s=FOR_EVER_S),
        node("last", "output", {}),
    )
    state = await same_after_any_crash(raw, types=TYPES)
    assert (state.status, state.result) == ("completed", "enough")
    assert state.node_states["slow"].status == "cancelled"
    assert "last" not in state.node_states


async def test_an_output_in_a_loop_may_end_the_run() -> None:
    raw = graph(
        "c:true -> found",
        loop("each", items=[1, 2, 3]),
        inside("each", node("c", "condition", {"field": "{{ item }}", "value": 2})),
        inside("each", node("found", "output", {"value": "{{ item }}", "ends": True})),
    )
    state = await same_after_any_crash(raw, types=TYPES)
    assert state.result == 2
    assert "each[2]/c" not in state.node_states
    assert state.node_states["each"].status == "cancelled"
