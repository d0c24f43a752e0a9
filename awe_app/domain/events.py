"""Facts that happened in an execution: past tense, numbered, immutable.

Every stored event is one numbered message of the WebSocket, so ``seq`` rises by one from 1 in each execution
for the journal and for clients alike. ``TextStreamed`` alone is neither numbered nor stored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar, Literal

from awe_app.domain.ids import NodeId, Path, iso
from awe_app.domain.models import Usage

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all stored events."""

    seq: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionStarted(Event):
    """The first event: what the execution was given."""

    inputs: Mapping[str, Any]
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionResumed(Event):
    """A process took the execution over; nodes that were in flight go back to pending."""

    reason: str
    """``recovered`` after a crash, ``woken`` from waiting, or ``resumed`` by a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEvent(Event):
    """Base of what happens to one node instance."""

    path: Path
    node_id: NodeId


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted(NodeEvent):
    """An effectful node begins; pure nodes only finish."""

    input: Mapping[str, Any]
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWaiting(NodeEvent):
    """A node waits, holding nothing: for a signal (an answer, another execution), or until a moment."""

    reason: str
    until: datetime | None = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFinished(NodeEvent):
    """A node gave its value. Once stored, the node is never run again."""

    input: Mapping[str, Any]
    outputs: Mapping[str, Any]
    """Port → value, for the ports that were taken; the first value is the node's output."""
    started_at: datetime
    attempt: int = 1
    usage: Usage | None = None
    variables: Mapping[str, Any] | None = None
    """Variables it gave new values; part of this event, so that they are never set twice."""
    runs_on: bool | None = None
    """True for a loop that has gone on while some of its passes still run."""
    said: Mapping[str, Sequence[Mapping[str, Any]]] | None = None
    """What it added to conversations, by thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed(NodeEvent):
    """A node failed for good."""

    input: Mapping[str, Any]
    code: str
    detail: str
    started_at: datetime
    attempt: int = 1
    outputs: Mapping[str, Any] | None = None
    """By what ports the execution goes on all the same (``on_error``); None when it does not."""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSkipped(NodeEvent):
    """No value reached the node, or it is disabled; ``outputs`` is what a disabled one hands on."""

    outputs: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCancelled(NodeEvent):
    """A node was stopped: the execution ended, or nothing needs the node any more."""

    withdrawn: bool = False
    """True when the workflow itself called the node off: that is decided for good, its edges are skipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWritten(Event):
    """A line for the execution's log."""

    level: Level
    path: Path | None
    message: str
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReceived(LogWritten):
    """An event reached the execution, from outside or from one of its nodes: a log line that is a fact as well."""

    name: str
    payload: Any
    key: str
    """Its own, so that the same event is received once."""
    by: str | None = None
    """The user who sent it; None for a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTaken(LogWritten):
    """The node instance ``path`` took an event; no other gets it."""

    taken: int
    """The number of the ``EventReceived``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTaken(LogWritten):
    """A step inside the node instance ``path`` is done, ``data`` came of it, and it is not done again."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsForgotten(LogWritten):
    """The next try of the node instance ``path`` begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRaised(Event):
    """What went wrong, for clients that only listen for errors; follows the event that says where."""

    code: str
    detail: str
    path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionParked(Event):
    """Nothing can run before a signal or ``wake_at``; until then no process holds the execution."""

    wake_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionCompleted(Event):
    """The execution ended well."""

    result: Any
    usage: Usage = Usage()
    """Of the whole execution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFailed(Event):
    """The execution ended because a node failed."""

    code: str
    detail: str
    path: Path | None = None
    usage: Usage = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionCancelled(Event):
    """Somebody stopped the execution."""

    by: str | None = None
    usage: Usage = Usage()


FINAL = (ExecutionCompleted, ExecutionFailed, ExecutionCancelled)
"""After one of these nothing more happens."""


@dataclass(frozen=True, slots=True)
class TextStreamed:
    """A piece of a model's text while it is being made; shown, not stored."""

    path: Path
    delta: str


class EventCodec:
    """Events to JSON and back, for the journal."""

    KINDS: ClassVar[dict[str, type[Event]]] = {
        kind.__name__: kind
        for kind in (
            ExecutionStarted,
            ExecutionResumed,
            NodeStarted,
            NodeWaiting,
            NodeFinished,
            NodeFailed,
            NodeSkipped,
            NodeCancelled,
            LogWritten,
            EventReceived,
            EventTaken,
            StepTaken,
            StepsForgotten,
            ErrorRaised,
            ExecutionParked,
            ExecutionCompleted,
            ExecutionFailed,
            ExecutionCancelled,
        )
    }
    FIELDS: ClassVar[dict[type[Event], tuple[str, ...]]] = {
        kind: tuple(f.name for f in fields(kind) if f.name != "seq") for kind in KINDS.values()
    }
    MOMENTS: ClassVar[tuple[str, ...]] = ("at", "started_at", "until", "wake_at")
    """The fields, of whatever kind, that are times."""
    _VALUES: ClassVar[dict[type[Event], Callable[[Event], tuple[Any, ...]]]] = {
        kind: attrgetter(*names) for kind, names in FIELDS.items()
    }

    @classmethod
    def encode(cls, event: Event) -> tuple[str, dict[str, Any]]:
        """The event's kind and its fields but ``seq``, ready for ``json.dumps``."""
        kind = type(event)
        values = zip(cls.FIELDS[kind], cls._VALUES[kind](event), strict=True)
        data = {name: value for name, value in values if value is not None}
        for name in cls.MOMENTS:
            if name in data:
                data[name] = iso(data[name])
        if "usage" in data:
            data["usage"] = data["usage"].as_json()
        return kind.__name__, data

    @classmethod
    def decode(cls, kind: str, seq: int, data: Mapping[str, Any]) -> Event:
        """The event that ``encode`` was given. Raises KeyError for an unknown kind."""
        values = dict(data)
        for name in cls.MOMENTS:
            if name in values:
                values[name] = datetime.fromisoformat(values[name])
        if "usage" in values:
            values["usage"] = Usage(**values["usage"])
        event_type = cls.KINDS[kind]
        for name in cls.FIELDS[event_type]:
            values.setdefault(name, None)
        return event_type(seq=seq, **values)
