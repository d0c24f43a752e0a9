"""Talking to a workflow: each turn is an execution, and a conversation is the turns that carry its id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awe_app.domain.execution import Status
from awe_app.domain.ids import ExecutionId
from awe_app.domain.previews import in_words, is_preview
from awe_app.domain.values import as_text


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One execution of a conversation."""

    execution_id: ExecutionId
    inputs: Mapping[str, Any]
    status: Status
    result: Any
    error: Mapping[str, Any] | None
    usage: Mapping[str, Any]
    created_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChatHead:
    """A conversation in the list of conversations."""

    id: str
    inputs: Mapping[str, Any]
    """Of its first turn."""
    created_at: datetime


def reply_of(result: Any) -> str:
    """What the workflow answers, as text: a text as it is, an object with one text in it as that text, else JSON."""
    if is_preview(result):
        return in_words(result)
    if isinstance(result, Mapping) and len(result) == 1:
        only = next(iter(result.values()))
        return only if isinstance(only, str) else as_text(result)
    return as_text(result)


def history_of(turns: Iterable[ChatTurn], message_field: str) -> list[dict[str, str]]:
    """Earlier turns as messages, the oldest first. Turns that gave no answer are left out, question and all."""
    messages: list[dict[str, str]] = []
    for turn in turns:
        if turn.status == "completed":
            messages.append({"role": "user", "content": as_text(turn.inputs.get(message_field))})
            messages.append({"role": "assistant", "content": reply_of(turn.result)})
    return messages
