"""The events that end an execution which nobody drives any more."""

from collections.abc import Sequence

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import utc_now


def stopped_nodes(state: ExecutionState) -> Sequence[ev.Event]:
    """One event for each node that was at work or waiting when its execution lost its driver for good."""
    running = [node for node in state.node_states.values() if node.status in ("running", "waiting")]
    return [
        ev.NodeCancelled(seq=seq, at=utc_now(), path=node.path, node_id=node.node_id)
        for seq, node in enumerate(running, state.seq + 1)
    ]


def cancellation(state: ExecutionState, by: str) -> Sequence[ev.Event]:
    """Its nodes stop, and it is cancelled."""
    events = [*stopped_nodes(state)]
    now, seq = utc_now(), state.seq + len(events)
    events.append(ev.LogWritten(seq=seq + 1, at=now, level="warning", path=None, message=f"Stopped by {by}"))
    events.append(ev.ExecutionCancelled(seq=seq + 2, at=now, by=by, usage=state.usage))
    return events
