"""What the process that drives an execution remembers of it: all of a small one, else only what is not over."""

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState, NodeState

SMALL_NODES = 200
"""Node instances that a small execution has at most."""
SMALL_BYTES = 64 * 1024
"""How long the events of a small execution are at most, as JSON."""


class Progress:
    """Folds the events of an execution while it is driven, in memory that does not grow with its finished nodes."""

    def __init__(self, state: ExecutionState, *, whole: bool) -> None:
        self.state = state
        """Without finished nodes, logs and result when the execution is not ``whole``."""
        self.whole = whole
        if not whole:
            state.keep = _is_open

    def apply(self, event: ev.Event, written_bytes: int) -> None:
        """Take in an event; ``written_bytes`` is how long it and those before it are."""
        state = self.state
        if self.whole and (written_bytes > SMALL_BYTES or len(state.node_states) > SMALL_NODES):
            self._forget()
        if self.whole or not isinstance(event, ev.LogWritten):
            state.apply(event)
        else:
            state.seq = event.seq
        if not self.whole:
            state.inputs, state.variables, state.result = {}, {}, None

    def _forget(self) -> None:
        """It is not small: what is over is in the journal for who asks."""
        self.whole = False
        state = self.state
        state.keep = _is_open
        state.node_states = {path: node for path, node in state.node_states.items() if node.is_open}
        state.logs = []


def _is_open(node: NodeState) -> bool:
    return node.is_open
