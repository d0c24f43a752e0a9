"""Crash at every event: whatever the journal holds, going on from there gives what an undisturbed run gives."""

from collections.abc import Callable, Mapping
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId
from awe_app.domain.node import Node
from awe_app.engine.deps import Signals
from tests.builders import run


def fold(events: list[ev.Event]) -> ExecutionState:
    return ExecutionState(ExecutionId("test")).fold(events)


def taken_up(events: list[ev.Event]) -> ExecutionState:
    """The execution as a driver reads it from the journal, in the smallest chunks there are."""
    state = ExecutionState(ExecutionId("test"))
    for event in events:
        state.apply(event)
        state.forget_closed_passes()
    return state


def statuses(state: ExecutionState) -> dict[str, str]:
    """How each node instance stands, but for what was stopped: whether that had begun is a matter of time."""
    return {path: node.status for path, node in state.node_states.items() if node.status != "cancelled"}


async def same_after_any_crash(
    raw: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *,
    types: Mapping[str, type[Node[Any]]] | None = None,
    signals: Callable[[], Signals] = Signals,
) -> ExecutionState:
    """Run the workflow whole, then go on from each of its events; gives how the whole one ended. It has to end."""
    whole, happened = await run(raw, inputs, types=types, signals=signals())
    for cut in range(1, len(happened)):
        done = taken_up(happened[:cut])
        settled = {path for path, node in done.node_states.items() if node.settled}
        _, later = await run(raw, inputs, types=types, signals=signals(), done=done)
        together = fold([*happened[:cut], *later])
        where = f"cut after {type(happened[cut - 1]).__name__} {cut}"
        assert (together.status, together.result) == (whole.status, whole.result), where
        assert statuses(together) == statuses(whole), where
        touched = {event.path for event in later if isinstance(event, ev.NodeEvent)}
        assert not settled & touched, where
    return whole
