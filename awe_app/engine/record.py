"""What a run says and what it knows: the events it lines up, the account of its cost, and its journal so far."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState, NodeState
from awe_app.domain.ids import NodeId, Path
from awe_app.domain.models import Usage
from awe_app.domain.node import Outputs
from awe_app.engine.deps import Deps

if TYPE_CHECKING:
    from awe_app.engine.instance import Instance

EventT = TypeVar("EventT", bound=ev.Event)


class Record:
    """Numbers events and lines them up for whoever iterates the execution."""

    def __init__(self, deps: Deps, done: ExecutionState | None, wake: Callable[[], None]) -> None:
        self._clock = deps.clock
        self._wake = wake
        self.done = done if done is not None and done.seq > 0 else None
        """The execution as its journal says it was; None at its first start."""
        self.seq = self.done.seq if self.done else 0
        """Number of the last event."""
        self.usage = self.done.usage if self.done else Usage()
        """What the whole execution has cost."""
        self.outbox: deque[ev.Event | ev.TextStreamed] = deque()
        self._passes = _passes_begun(self.done)
        self._in_flight = _in_flight(self.done)

    def emit(self, kind: type[EventT], **fields: Any) -> EventT:
        """Number the event and line it up."""
        self.seq += 1
        if self._in_flight:
            self._in_flight.pop(fields.get("path"), None)
        event = kind(seq=self.seq, at=self._clock(), **fields)
        self.outbox.append(event)
        self._wake()
        return event

    def finished(self, instance: "Instance", outputs: Outputs) -> None:
        """``emit`` for the event that comes most often."""
        self.seq += 1
        if self._in_flight:
            self._in_flight.pop(instance.path, None)
        self.outbox.append(
            ev.NodeFinished(
                seq=self.seq,
                at=self._clock(),
                path=instance.path,
                node_id=instance.node.spec.id,
                input=instance.inputs,
                outputs=outputs,
                started_at=instance.started_at,
                attempt=instance.attempt,
                usage=instance.usage,
                variables=instance.variables,
                runs_on=instance.runs_on,
                said=instance.said,
            )
        )
        self._wake()

    def log(self, path: Path | None, message: str, level: ev.Level = "info", **data: Any) -> None:
        """Line up a log entry."""
        self.emit(ev.LogWritten, level=level, path=path, message=message, data=data or None)

    def stream(self, path: Path, delta: str) -> None:
        """Line up a piece of text; it has no number and is not stored."""
        self.outbox.append(ev.TextStreamed(path, delta))
        self._wake()

    def spend(self, usage: Usage | None) -> None:
        """Add to the account."""
        if usage is not None:
            self.usage += usage

    def of(self, path: Path) -> NodeState | None:
        """How the node instance stood when the execution was taken up."""
        return self.done.node_states.get(path) if self.done is not None else None

    def left_behind(self) -> list[tuple[Path | None, NodeId]]:
        """What was at work when the execution was taken up and has not been touched since: it is not needed any more.

        That is so in a loop that had gone on without its last passes, or when a node had ended the execution.
        """
        return list(self._in_flight.items())

    def gave_up(self, prefix: Path) -> bool:
        """True when a node of that pass had failed for good."""
        states = self.done.node_states.values() if self.done is not None else ()
        return any(s.status == "failed" and not s.settled and s.path.startswith(prefix) for s in states)

    def withdrew(self, path: Path) -> bool:
        """True when the workflow had called the node instance off."""
        known = self.of(path)
        return known is not None and known.status == "cancelled" and known.settled

    def passes_begun(self, path: Path) -> int:
        """How many passes of that loop instance had begun."""
        return self._passes.get(path, 0)


def _in_flight(done: ExecutionState | None) -> dict[Path | None, NodeId]:
    """The node instances that go back to pending because the execution was taken up."""
    states = done.node_states.values() if done is not None else ()
    return {s.path: s.node_id for s in states if s.status in ("running", "waiting", "cancelled") and not s.settled}


def _passes_begun(done: ExecutionState | None) -> dict[Path, int]:
    """How many passes the journal knows of each loop instance: ``each[2]/a`` makes three of ``each``."""
    begun: dict[Path, int] = {}
    for path in done.node_states if done is not None else ():
        at = path.rfind("]/")
        while at != -1:
            loop, _bracket, index = path[:at].rpartition("[")
            begun[Path(loop)] = max(begun.get(Path(loop), 0), int(index) + 1)
            at = path.rfind("]/", 0, at)
    return begun
