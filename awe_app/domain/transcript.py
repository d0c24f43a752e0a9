"""What an agent was told, said and did: read from the steps that its runs leave in an execution's log.

The agent writes four kinds of steps (``data["kind"]``): ``task``, how the run began; ``model``, an answer; ``tool``,
what came of a call; ``approval``, what a person said of a call. Steps of other kinds belong to other nodes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.ids import NodeId, Path, iso
from awe_app.domain.models import Usage
from awe_app.domain.previews import in_words, is_preview

KINDS = frozenset({"task", "model", "tool", "approval"})


@dataclass(slots=True)
class Told:
    """A message that the model was given at the beginning."""

    role: str
    content: str

    def as_json(self) -> dict[str, Any]:
        """As REST shows it."""
        return {"role": self.role, "content": self.content}


@dataclass(slots=True)
class CallMade:
    """A tool call that the model asked for, and what came of it."""

    call_id: str
    tool: str
    arguments: Any
    """An object; the text of the model where it wrote none."""
    done: bool = False
    """False while it runs, or waits."""
    result: Any = None
    error: str | None = None
    """What the model was told in place of a result."""
    seconds: float = 0.0
    usage: Usage = Usage()
    """What the tool itself spent: a workflow, for one."""
    decision: str | None = None
    """``approved`` or ``rejected``, where a person was asked."""
    decided_by: str | None = None
    comment: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As REST shows it."""
        approval = {"decision": self.decision, "by": self.decided_by, "comment": self.comment}
        return {
            "call_id": self.call_id,
            "tool": self.tool,
            "arguments": self.arguments,
            "done": self.done,
            "result": self.result,
            "error": self.error,
            "seconds": self.seconds,
            "usage": self.usage.as_json(),
            "approval": approval if self.decision is not None else None,
        }


@dataclass(slots=True)
class Turn:
    """One answer of the model, with the calls it asked for."""

    iteration: int
    at: datetime
    """When the answer was there."""
    model: str
    text: str
    finish_reason: str
    seconds: float
    usage: Usage
    reused: bool = False
    """It was taken from the cache and cost nothing."""
    calls: list[CallMade] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As REST shows it."""
        return {
            "iteration": self.iteration,
            "at": iso(self.at),
            "model": self.model,
            "text": self.text,
            "finish_reason": self.finish_reason,
            "seconds": self.seconds,
            "usage": self.usage.as_json(),
            "reused": self.reused,
            "tool_calls": [call.as_json() for call in self.calls],
        }


@dataclass(slots=True)
class Transcript:
    """One node instance's agent."""

    path: Path
    node_id: NodeId
    began_at: datetime
    told: list[Told] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    """Names of what the model could call."""
    turns: list[Turn] = field(default_factory=list)
    earlier: list[Turn] = field(default_factory=list)
    """Of tries that came to nothing; they were paid for all the same."""
    error: Mapping[str, str] | None = None
    """``{code, detail}`` when the node failed."""

    @property
    def usage(self) -> Usage:
        """Of all answers and tools, those of earlier tries included."""
        turns = [*self.earlier, *self.turns]
        spent = [turn.usage for turn in turns] + [call.usage for turn in turns for call in turn.calls]
        return sum(spent, Usage())

    @property
    def seconds(self) -> float:
        """Time spent in models and tools; tools of one turn ran at the same time, so the slowest of them counts."""
        turns = [*self.earlier, *self.turns]
        return sum(turn.seconds + max((call.seconds for call in turn.calls), default=0.0) for turn in turns)

    @property
    def model(self) -> str:
        """The model that answered last; empty before any did."""
        turns = self.turns or self.earlier
        return turns[-1].model if turns else ""

    def as_json(self) -> dict[str, Any]:
        """As REST shows it."""
        return {
            "path": self.path,
            "node_id": self.node_id,
            "began_at": iso(self.began_at),
            "messages": [message.as_json() for message in self.told],
            "functions": self.functions,
            "turns": [turn.as_json() for turn in self.turns],
            "earlier_turns": [turn.as_json() for turn in self.earlier],
            "error": self.error,
            "usage": self.usage.as_json(),
            "seconds": round(self.seconds, 3),
        }


def is_agent_step(event: ev.Event) -> bool:
    """Whether an agent wrote this step."""
    return isinstance(event, ev.StepTaken) and event.path is not None and (event.data or {}).get("kind") in KINDS


class TranscriptReader:
    """Folds events into transcripts, by path, in the order in which the agents began."""

    def __init__(self) -> None:
        self.transcripts: dict[Path, Transcript] = {}

    def read(self, events: Iterable[ev.Event]) -> "TranscriptReader":
        """Take in events, in order; gives itself back."""
        for event in events:
            self.apply(event)
        return self

    def apply(self, event: ev.Event) -> None:
        """Take in one event."""
        if isinstance(event, ev.StepTaken):
            if is_agent_step(event) and event.path is not None and event.data is not None:
                self._step(self._of(event.path, event.at), event.data, event.at)
        elif isinstance(event, ev.StepsForgotten):
            known = self.transcripts.get(event.path) if event.path is not None else None
            if known is not None:
                known.earlier += known.turns
                known.turns, known.told = [], []
        elif isinstance(event, ev.NodeFailed):
            if (failed := self.transcripts.get(event.path)) is not None:
                failed.error = {"code": event.code, "detail": event.detail}
        elif isinstance(event, ev.NodeStarted | ev.NodeFinished) and (known := self.transcripts.get(event.path)):
            known.error = None

    def _of(self, path: Path, at: datetime) -> Transcript:
        found = self.transcripts.get(path)
        if found is None:
            found = self.transcripts[path] = Transcript(path, NodeId(path.rpartition("/")[2]), at)
        return found

    def _step(self, transcript: Transcript, data: Mapping[str, Any], at: datetime) -> None:
        match data["kind"]:
            case "task":
                transcript.told = _told(data.get("messages"))
                transcript.functions = _names(data.get("functions"))
            case "model":
                transcript.turns.append(_turn(data, at))
            case "tool":
                _finish(_call(transcript, data), data)
            case _:
                call = _call(transcript, data)
                call.decision, call.decided_by = data.get("decision"), data.get("by")
                call.comment = data.get("comment") or None


def _told(messages: Any) -> list[Told]:
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        return [Told("user", _text(messages))]
    return [Told(str(message.get("role", "")), _text(message.get("content"))) for message in messages]


def _names(functions: Any) -> list[str]:
    if not isinstance(functions, Sequence):  # a preview stands for them: they are very large
        return []
    return [str(function.get("name", "")) for function in functions]


def _turn(data: Mapping[str, Any], at: datetime) -> Turn:
    calls = data.get("tool_calls")
    return Turn(
        iteration=data.get("iteration", 0),
        at=at,
        model=data.get("model", ""),
        text=_text(data.get("text")),
        finish_reason=data.get("finish_reason", ""),
        seconds=data.get("seconds", 0.0),
        usage=Usage(**data.get("usage") or {}),
        reused=data.get("reused", False),
        calls=[_asked(call) for call in calls] if isinstance(calls, Sequence) else [],
    )


def _asked(call: Mapping[str, Any]) -> CallMade:
    return CallMade(str(call.get("id", "")), str(call.get("name", "")), call.get("arguments"))


def _call(transcript: Transcript, data: Mapping[str, Any]) -> CallMade:
    """The call that a step is about; one that no answer asked for is added, so that nothing is lost."""
    call_id = str(data.get("call_id", ""))
    turns = [turn for turn in transcript.turns if turn.iteration == data.get("iteration")] or transcript.turns[-1:]
    for turn in turns:
        for call in turn.calls:
            if call.call_id == call_id:
                return call
    added = CallMade(call_id, str(data.get("tool", "")), data.get("arguments"))
    if turns:
        turns[-1].calls.append(added)
    return added


def _finish(call: CallMade, data: Mapping[str, Any]) -> None:
    call.done = True
    call.arguments = data.get("arguments", call.arguments)
    call.result, call.error = data.get("result"), data.get("error")
    call.seconds, call.usage = data.get("seconds", 0.0), Usage(**data.get("usage") or {})


def _text(value: Any) -> str:
    if is_preview(value):
        return in_words(value)
    return value if isinstance(value, str) else "" if value is None else str(value)
