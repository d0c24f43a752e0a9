"""What a viewer of an execution is told: one message for each event (CONTRACT §4)."""

from dataclasses import dataclass
from typing import Any, Literal

from awe_app.domain import events as ev
from awe_app.domain.execution import log_entry
from awe_app.domain.ids import iso


@dataclass(frozen=True, slots=True)
class Message:
    """``{"type", "seq", "data"}``; ``seq`` is None for streamed text, which is not numbered."""

    type: Literal["log", "state", "error", "complete"]
    seq: int | None
    data: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The message as it goes over the wire."""
        if self.seq is None:
            return {"type": self.type, "data": self.data}
        return {"type": self.type, "seq": self.seq, "data": self.data}


def message(event: ev.Event | ev.TextStreamed) -> Message:
    """The message that tells of an event."""
    match event:
        case ev.TextStreamed():
            return Message("state", None, {"node_id": event.path, "status": "running", "delta": event.delta})
        case ev.LogWritten():
            return Message("log", event.seq, log_entry(event))
        case ev.ErrorRaised():
            data = {"error_code": event.code, "detail": event.detail, "node_id": event.path}
            return Message("error", event.seq, data)
        case ev.ExecutionCompleted():
            return _complete(event, "completed", event.result, None)
        case ev.ExecutionFailed():
            error = {"code": event.code, "detail": event.detail, "node_id": event.path}
            return _complete(event, "failed", None, error)
        case ev.ExecutionCancelled():
            return _complete(event, "cancelled", None, None)
        case ev.NodeStarted():
            data = {"status": "running", "input": event.input, "attempts": event.attempt, "started_at": iso(event.at)}
        case ev.NodeWaiting():
            data = {"status": "waiting", "reason": event.reason, "until": iso(event.until), "data": event.data}
        case ev.ExecutionParked():
            return Message("state", event.seq, {"status": "waiting", "wake_at": iso(event.wake_at)})
        case ev.NodeFinished():
            output = next(iter(event.outputs.values()), None)
            data = {"status": "completed", "output": output, "ports": list(event.outputs), **_span(event)}
            if event.variables is not None:
                data["variables"] = event.variables
        case ev.NodeFailed():
            error = {"code": event.code, "detail": event.detail}
            data = {"status": "failed", "error": error, "ports": list(event.outputs or ()), **_span(event)}
        case ev.NodeSkipped():
            data = {"status": "skipped", "ports": list(event.outputs or ())}
        case ev.NodeCancelled():
            data = {"status": "cancelled"}
        case _:  # ExecutionStarted, ExecutionResumed
            return Message("state", event.seq, {"status": "running"})
    return Message("state", event.seq, {"node_id": event.path, **data})


def reopened(event: ev.Event) -> Message:
    """The message of an end that was not the end: the execution was resumed later."""
    return Message("state", event.seq, {"status": message(event).data["status"]})


def _span(event: ev.NodeFinished | ev.NodeFailed) -> dict[str, Any]:
    return {
        "input": event.input,
        "attempts": event.attempt,
        "started_at": iso(event.started_at),
        "completed_at": iso(event.at),
        "usage": event.usage.as_json() if event.usage else None,
    }


Final = ev.ExecutionCompleted | ev.ExecutionFailed | ev.ExecutionCancelled


def _complete(event: Final, status: str, result: Any, error: dict[str, Any] | None) -> Message:
    data = {"status": status, "result": result, "error": error, "usage": event.usage.as_json()}
    return Message("complete", event.seq, data)
