"""What an execution *is*: the fold of its events.

``ExecutionState.apply`` is the only place that says so. Recovery, REST, the WebSocket and the canvas all read it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from awe_app.domain import events as ev
from awe_app.domain.ids import ExecutionId, NodeId, Path, UserId, WorkflowId, iso
from awe_app.domain.models import Usage

Status = Literal["pending", "running", "waiting", "completed", "failed", "cancelled"]
NodeStatus = Literal["pending", "running", "waiting", "completed", "failed", "cancelled", "skipped"]
FINAL_STATUSES = frozenset({"completed", "failed", "cancelled"})


SHOWN_PASSES = 200
"""Passes of one loop instance that an execution shows; the others are asked for by the path."""
_LATER_PASS = re.compile(r"\[(?:[2-9]\d\d|\d{4,})\]")
_INDEX = re.compile(r"\[(\d+)\]")


def in_shown_passes(path: str) -> bool:
    """True for a node instance outside loops, or in one of the first ``SHOWN_PASSES`` passes of each around it."""
    return _LATER_PASS.search(path) is None


def path_order(path: str) -> list[str | int]:
    """Sorts paths as people count: ``each[2]`` before ``each[10]``, a loop before its passes."""
    return [int(part) if at % 2 else part for at, part in enumerate(_INDEX.split(path))]


@dataclass(slots=True)
class NodeState:
    """How one node instance stands."""

    node_id: NodeId
    path: Path
    status: NodeStatus = "pending"
    input: Mapping[str, Any] | None = None
    outputs: Mapping[str, Any] | None = None
    """Port → value of the ports it left by; None while it has left by none."""
    error: dict[str, str] | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    attempts: int = 0
    usage: Usage = Usage()
    waiting: ev.NodeWaiting | None = None
    """What it waits for, or last waited for."""
    seq: int = 0
    """Number of the last event that changed it."""
    runs_on: bool = False
    """True for a loop that has gone on while some of its passes still ran."""
    steps: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """What came of the steps inside it, by key, until it has finished."""

    @property
    def settled(self) -> bool:
        """True once it is decided by which ports it is left: it is never run again."""
        return self.outputs is not None or self.status == "skipped"

    @property
    def is_open(self) -> bool:
        """True while something may still become of it."""
        return self.status in ("pending", "running", "waiting")

    @property
    def output(self) -> Any:
        """The node's value: that of the first port it left by."""
        return next(iter(self.outputs.values()), None) if self.outputs else None

    def as_json(self) -> dict[str, Any]:
        """The node state as REST shows it; ``waiting`` says what is waited for, while it is."""
        shown = self._as_json()
        if self.status == "waiting" and self.waiting is not None:
            until = iso(self.waiting.until)
            shown["waiting"] = {"reason": self.waiting.reason, "until": until, "data": self.waiting.data}
        return shown

    def _as_json(self) -> dict[str, Any]:
        return {
            "node_id": self.node_id,
            "status": self.status,
            "input": self.input,
            "output": self.output,
            "error": self.error,
            "started_at": iso(self.started_at),
            "completed_at": iso(self.completed_at),
            "attempts": self.attempts,
            "usage": self.usage.as_json(),
            "path": self.path,
        }


@dataclass(slots=True)
class ExecutionState:
    """One execution as its events make it. Mutable on purpose: folding is the hot path."""

    execution_id: ExecutionId
    workflow_id: WorkflowId | None = None
    user_id: UserId | None = None
    status: Status = "pending"
    inputs: Mapping[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    node_states: dict[Path, NodeState] = field(default_factory=dict)
    current_node: Path | None = None
    result: Any = None
    error: dict[str, str | None] | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    usage: Usage = Usage()
    logs: list[ev.LogWritten] = field(default_factory=list)
    events: list[ev.EventReceived] = field(default_factory=list)
    takings: list[ev.EventTaken] = field(default_factory=list)
    threads: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    """What agents have said in each conversation."""
    seq: int = 0
    resumed: bool = False
    """A person has resumed it, and nobody has driven it on yet."""
    forgotten: int = field(default=0, compare=False)
    """How many node instances that ran ``forget_closed_passes`` has dropped."""
    keep: Callable[[NodeState], bool] | None = field(default=None, compare=False, repr=False)
    """Which nodes stay in ``node_states`` after an event of theirs; None: all. What they spent counts either way."""

    @property
    def ended(self) -> bool:
        """True once the status is final."""
        return self.status in FINAL_STATUSES

    def fold(self, events: Iterable[ev.Event]) -> "ExecutionState":
        """Apply all of them in order and give the state back."""
        for event in events:
            self.apply(event)
        return self

    def apply(self, event: ev.Event) -> None:
        """Let one event change the state; events come in the order of ``seq``, without gaps."""
        self.seq = event.seq
        if isinstance(event, ev.LogWritten):
            self.logs.append(event)
            if isinstance(event, ev.EventReceived):
                self.events.append(event)
            elif isinstance(event, ev.EventTaken):
                self.takings.append(event)
            elif isinstance(event, ev.StepTaken | ev.StepsForgotten):
                self._apply_step(event)
            return
        self.resumed = False
        if isinstance(event, ev.NodeEvent):
            node = self._node(event.path, event.node_id)
            self._apply_to_node(event, node)
            if self.keep is not None and not self.keep(node):
                del self.node_states[event.path]
        else:
            self._apply_to_execution(event)

    def forget_closed_passes(self) -> None:
        """Drop what is over inside loops that are settled: an execution that is taken up goes into these no more."""
        states = self.node_states.items()
        kept = {path: node for path, node in states if node.is_open or not self._in_settled_loop(path)}
        if len(kept) < len(self.node_states):
            gone = (node for path, node in self.node_states.items() if path not in kept)
            self.forgotten += sum(node.status in ("completed", "failed") for node in gone)
            self.node_states = kept

    def _in_settled_loop(self, path: Path) -> bool:
        at = path.find("[")
        while at != -1:
            loop = self.node_states.get(Path(path[:at]))
            if loop is not None and loop.settled and not loop.runs_on:
                return True
            at = path.find("[", at + 1)
        return False

    def _apply_to_node(self, event: ev.NodeEvent, node: NodeState) -> None:
        node.seq = event.seq
        match event:
            case ev.NodeFinished():
                node.status, node.input, node.outputs = "completed", event.input, event.outputs
                node.runs_on = event.runs_on is True
                node.steps = {}
                for thread, turns in (event.said or {}).items():
                    self.threads.setdefault(thread, []).extend(turns)
                if event.variables is not None:
                    self.variables.update(event.variables)
                self._close(node, event.started_at, event.at, event.attempt, event.usage)
            case ev.NodeStarted():
                node.status, node.input, node.attempts = "running", event.input, event.attempt
                node.started_at, node.error = node.started_at or event.at, None
                self.current_node = event.path
            case ev.NodeSkipped():
                node.status, node.outputs = "skipped", event.outputs
            case ev.NodeWaiting():
                node.status, node.waiting = "waiting", event
            case ev.NodeFailed():
                node.status, node.input, node.outputs = "failed", event.input, event.outputs
                node.error = {"code": event.code, "detail": event.detail}
                self._close(node, event.started_at, event.at, event.attempt, event.usage)
            case ev.NodeCancelled():
                node.status, node.completed_at = "cancelled", event.at
                if event.withdrawn:
                    node.outputs = {}
            case _:
                pass

    def _apply_step(self, event: ev.StepTaken | ev.StepsForgotten) -> None:
        node = self.node_states.get(event.path) if event.path is not None else None
        if node is None:
            return
        if isinstance(event, ev.StepsForgotten):
            node.steps = {}
            return
        node.steps[event.key] = event.data or {}
        if node.status == "waiting":  # it has its answer and goes on
            node.status = "running"

    def _apply_to_execution(self, event: ev.Event) -> None:
        match event:
            case ev.ExecutionStarted():
                self.status, self.started_at = "running", event.at
                self.inputs, self.variables = event.inputs, dict(event.variables)
            case ev.ExecutionResumed():
                self.status, self.error, self.completed_at = "running", None, None
                self.resumed = event.reason == "resumed"
                # Only a person who resumes it gives what failed, and what was stopped for it, another chance.
                again = ("running", "cancelled", "failed") if self.resumed else ("running",)
                for path, node in self.node_states.items():
                    if node.status in again and node.outputs is None and not self._in_settled_loop(path):
                        node.status = "pending"
            case ev.ExecutionParked():
                self.status, self.current_node = "waiting", None
            case ev.ExecutionCompleted():
                self.status, self.result = "completed", event.result
                self._end(event.at)
            case ev.ExecutionFailed():
                self.status = "failed"
                self.error = {"code": event.code, "detail": event.detail, "node_id": event.path}
                self._end(event.at)
            case ev.ExecutionCancelled():
                self.status = "cancelled"
                self._end(event.at)
            case _:
                pass

    def _node(self, path: Path, node_id: NodeId) -> NodeState:
        node = self.node_states.get(path)
        if node is None:
            node = self.node_states[path] = NodeState(node_id, path)
        return node

    def _close(self, node: NodeState, started_at: datetime, at: datetime, attempt: int, usage: Usage | None) -> None:
        node.started_at, node.completed_at, node.attempts = started_at, at, attempt
        if usage is not None:
            node.usage += usage
            self.usage += usage

    def _end(self, at: datetime) -> None:
        self.completed_at, self.current_node = at, None

    def only(self, path: Path) -> "ExecutionState":
        """What somebody may know who answers for this node in another's execution: how it goes on, and the node."""
        nodes = {path: self.node_states[path]} if path in self.node_states else {}
        seen = ExecutionState(self.execution_id, self.workflow_id, self.user_id, status=self.status, node_states=nodes)
        seen.started_at, seen.completed_at = self.started_at, self.completed_at
        return seen

    def as_json(self) -> dict[str, Any]:
        """The execution as REST shows it (CONTRACT §3)."""
        return {
            "execution_id": self.execution_id,
            "workflow_id": self.workflow_id,
            "user_id": self.user_id,
            "status": self.status,
            "current_node": self.current_node,
            "node_states": {path: node.as_json() for path, node in self.node_states.items()},
            "variables": self.variables,
            "result": self.result,
            "error": self.error,
            "started_at": iso(self.started_at),
            "completed_at": iso(self.completed_at),
            "usage": self.usage.as_json(),
            "logs": [log_entry(event) for event in self.logs],
        }


def log_entry(event: ev.LogWritten) -> dict[str, Any]:
    """A log line as REST and the WebSocket show it."""
    return {
        "seq": event.seq,
        "timestamp": iso(event.at),
        "level": event.level,
        "node_id": event.path,
        "message": event.message,
        "data": event.data,
    }
