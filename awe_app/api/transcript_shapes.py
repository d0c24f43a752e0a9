"""What the transcript of an agent looks like, for OpenAPI."""

from typing import Any, Literal

from pydantic import BaseModel

from awe_app.api.shapes import UsageShape


class ToldShape(BaseModel):
    """A message that the model was given at the beginning."""

    role: str
    content: str


class CallApprovalShape(BaseModel):
    """What a person said of a tool call."""

    decision: Literal["approved", "rejected"]
    by: str | None
    comment: str | None


class CallMadeShape(BaseModel):
    """A tool call and what came of it."""

    call_id: str
    tool: str
    arguments: Any
    done: bool
    result: Any
    error: str | None
    seconds: float
    usage: UsageShape
    approval: CallApprovalShape | None


class TurnShape(BaseModel):
    """One answer of the model."""

    iteration: int
    at: str
    model: str
    text: str
    finish_reason: str
    seconds: float
    usage: UsageShape
    reused: bool
    tool_calls: list[CallMadeShape]


class TranscriptShape(BaseModel):
    """One agent."""

    path: str
    node_id: str
    began_at: str
    messages: list[ToldShape]
    functions: list[str]
    turns: list[TurnShape]
    earlier_turns: list[TurnShape]
    error: dict[str, str] | None
    usage: UsageShape
    seconds: float
