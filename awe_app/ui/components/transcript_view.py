"""What the transcript of an agent shows, made out of ``domain.transcript``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from awe_app.domain.models import Usage
from awe_app.domain.transcript import CallMade, Transcript, Turn
from awe_app.domain.values import as_text
from awe_app.domain.workflow import Workflow
from awe_app.ui.components.execution_view import cut, shown_value

MAX_VALUE_CHARS = 4_000
"""Of the arguments or the result of one call."""
GIST_CHARS = 160


@dataclass(frozen=True)
class AgentRow:
    """One agent, on one line."""

    path: str
    title: str
    model: str
    answers: str
    """``3 answers, 2 tool calls``."""
    tokens: str
    cost: str
    """``$0.0042``; empty when nothing was paid."""
    seconds: str
    problem: str


@dataclass(frozen=True)
class ToldRow:
    """A message that the model was given."""

    role: str
    gist: str
    """How it begins."""
    text: str


@dataclass(frozen=True)
class CallRow:
    """One tool call."""

    tool: str
    gist: str
    """Its arguments on one line."""
    arguments: str
    result: str
    problem: str
    state: str
    """``done``, ``failed`` or ``open``."""
    seconds: str
    decision: str
    """``approved by ada: …``, or empty."""


@dataclass(frozen=True)
class TurnRow:
    """One answer of the model."""

    number: str
    model: str
    text: str
    is_json: bool
    note: str
    """``from an earlier answer``, ``cut off``, ``earlier try``, or empty."""
    tokens: str
    """``1,200 → 300``."""
    cost: str
    seconds: str
    calls: list[CallRow]


def agents_of(transcripts: Sequence[Transcript], workflow: Workflow) -> list[AgentRow]:
    """A line for each agent."""
    return [_agent_row(transcript, workflow) for transcript in transcripts]


def told_of(transcript: Transcript) -> list[ToldRow]:
    """What the model was given at the beginning."""
    return [
        ToldRow(message.role.capitalize(), _gist(message.content), shown_value(message.content))
        for message in transcript.told
    ]


def turns_of(transcript: Transcript, limit: int) -> tuple[list[TurnRow], int]:
    """The last ``limit`` answers, and how many come before them."""
    rows = [(turn, True) for turn in transcript.earlier] + [(turn, False) for turn in transcript.turns]
    hidden = max(0, len(rows) - limit)
    return [_turn_row(turn, earlier) for turn, earlier in rows[hidden:]], hidden


def money(usd: float) -> str:
    """Dollars as people read them; empty for nothing."""
    if usd <= 0:
        return ""
    return f"${usd:.2f}" if usd >= 0.1 else f"${usd:.4f}" if usd >= 0.0001 else "< $0.0001"


def _agent_row(transcript: Transcript, workflow: Workflow) -> AgentRow:
    spec = workflow.node(transcript.node_id)
    title = spec.title if spec is not None else transcript.node_id
    turns = [*transcript.earlier, *transcript.turns]
    calls = sum(len(turn.calls) for turn in turns)
    counts = [_count(len(turns), "answer"), *([_count(calls, "tool call")] if calls else [])]
    inside = transcript.path.rpartition("/")[0]
    error = transcript.error
    return AgentRow(
        path=transcript.path,
        title=f"{title} · {inside}" if inside else title,
        model=transcript.model,
        answers=", ".join(counts),
        tokens=_tokens(transcript.usage),
        cost=money(transcript.usage.cost_usd),
        seconds=_seconds(transcript.seconds),
        problem=f"{error['code']}: {error['detail']}" if error else "",
    )


def _turn_row(turn: Turn, earlier: bool) -> TurnRow:
    notes = ["earlier try"] if earlier else []
    notes += ["reused answer"] if turn.reused else []
    notes += ["cut off"] if turn.finish_reason == "length" else []
    readable = _pretty(turn.text)
    return TurnRow(
        number=str(turn.iteration),
        model=turn.model,
        text=shown_value(readable or turn.text),
        is_json=bool(readable),
        note=" · ".join(notes),
        tokens=_tokens(turn.usage),
        cost=money(turn.usage.cost_usd),
        seconds=_seconds(turn.seconds),
        calls=[_call_row(call) for call in turn.calls],
    )


def _call_row(call: CallMade) -> CallRow:
    said = f"{call.decision} by {call.decided_by}" if call.decision else ""
    return CallRow(
        tool=call.tool,
        gist=_gist(_arguments(call.arguments)),
        arguments=cut(shown_value(call.arguments), MAX_VALUE_CHARS),
        result=cut(shown_value(call.result), MAX_VALUE_CHARS) if call.error is None else "",
        problem=call.error or "",
        state="open" if not call.done else "done" if call.error is None else "failed",
        seconds=_seconds(call.seconds) if call.done else "",
        decision=f"{said}: {call.comment}" if said and call.comment else said,
    )


def _arguments(arguments: Any) -> str:
    if not isinstance(arguments, dict):
        return as_text(arguments)
    if len(arguments) == 1:
        return as_text(next(iter(arguments.values())))
    return ", ".join(f"{name}: {as_text(value)}" for name, value in arguments.items())


def _pretty(text: str) -> str:
    """The text indented where it is a JSON object or list; else empty."""
    if not text.lstrip().startswith(("{", "[")):
        return ""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def _gist(text: str) -> str:
    line = " ".join(text[: GIST_CHARS * 2].split())
    return line if len(line) <= GIST_CHARS else f"{line[:GIST_CHARS]}…"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _tokens(usage: Usage) -> str:
    return f"{usage.prompt_tokens:,} → {usage.completion_tokens:,}" if usage != Usage() else ""


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
