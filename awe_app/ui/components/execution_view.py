"""What the page of one execution shows, made out of the execution's state and the workflow as it was then."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from awe_app.domain.execution import ExecutionState, NodeState
from awe_app.domain.ids import iso, utc_now
from awe_app.domain.previews import in_words, is_preview
from awe_app.domain.workflow import Workflow
from awe_app.nodes.input import InputField
from awe_app.ui import routes
from awe_app.ui.components.execution_table import duration
from awe_app.ui.pages.run_form_state import shown_field
from awe_app.ui.toasts import sentence

MAX_SHOWN_CHARS = 20_000
MAX_SHOWN_LINES = 200
"""Log lines that are shown; a page with all of a long log would be sent again with each new line."""


@dataclass(frozen=True)
class Head:
    """The facts at the top."""

    id: str = ""
    workflow: str = ""
    workflow_href: str = ""
    """Empty when the workflow has been deleted."""
    status: str = ""
    ended: bool = True
    started_at: str = ""
    duration: str = ""
    tokens: str = ""
    inputs: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came out."""

    result: str = ""
    is_text: bool = False
    problem: str = ""
    problem_code: str = ""
    problem_node: str = ""


@dataclass(frozen=True)
class NodeRow:
    """One node instance."""

    path: str
    title: str
    type: str
    status: str
    duration: str
    tokens: str
    attempts: int
    input: str
    output: str
    problem: str
    left: str
    """Where its bar begins, as a CSS percentage of the whole execution."""
    width: str


@dataclass(frozen=True)
class LogLine:
    """One line of the log."""

    seq: int
    time: str
    level: str
    node: str
    message: str


@dataclass(frozen=True)
class Question:
    """An approval that waits for an answer."""

    path: str
    title: str
    message: str
    until: str
    fields: list[dict[str, Any]]
    tool: str = ""
    """The tool that an agent asks to call; empty for other questions."""
    arguments: str = ""
    """What it would call the tool with."""


def questions_of(state: ExecutionState, workflow: Workflow) -> list[Question]:
    """What the execution asks people now."""
    asked = [node for node in state.node_states.values() if node.status == "waiting" and node.waiting is not None]
    return [
        Question(
            path=node.path,
            title=_title(workflow, node.node_id),
            message=_message(node.waiting.data),
            until=iso(node.waiting.until) or "",
            fields=[_field_of(field) for field in node.waiting.data.get("form", ())],
            tool=str(node.waiting.data.get("tool") or ""),
            arguments=shown_value(node.waiting.data.get("arguments")),
        )
        for node in asked
        if node.waiting is not None and node.waiting.reason == "approval" and node.waiting.data is not None
    ]


def _message(data: Mapping[str, Any]) -> str:
    """What is asked. Of a tool call the card shows tool and arguments by themselves; what is left is why it asks."""
    return shown_value(data.get("reason" if data.get("tool") else "message"))


def _field_of(raw: dict[str, Any]) -> dict[str, Any]:
    field = InputField.model_validate(raw)
    return shown_field(field, field.default)


def head_of(state: ExecutionState, workflow: Workflow) -> Head:
    """The facts at the top of the page."""
    tokens = state.usage.prompt_tokens + state.usage.completion_tokens
    return Head(
        id=state.execution_id,
        workflow=workflow.name,
        workflow_href=routes.workflow(state.workflow_id) if state.workflow_id else "",
        status=state.status,
        ended=state.ended,
        started_at=iso(state.started_at) or "",
        duration=duration(state.started_at, state.completed_at),
        tokens=f"{tokens:,}" if tokens else "–",
        inputs=shown_value(dict(state.inputs)) if state.inputs else "",
    )


def outcome_of(state: ExecutionState, workflow: Workflow) -> Outcome:
    """The result or the error."""
    error = state.error or {}
    at = str(error.get("node_id") or "")
    return Outcome(
        result=shown_value(state.result) if state.status == "completed" else "",
        is_text=isinstance(state.result, str),
        problem=str(error.get("detail") or ""),
        problem_code=str(error.get("code") or ""),
        problem_node=_title(workflow, at.rpartition("/")[2]) if at else "",
    )


def nodes_of(state: ExecutionState, workflow: Workflow) -> list[NodeRow]:
    """The node instances, in the order in which they began; those that have not begun come last."""
    begin = state.started_at or utc_now()
    end = state.completed_at or utc_now()
    rows = sorted(state.node_states.values(), key=lambda node: (node.started_at is None, node.started_at or begin))
    return [_node_row(node, workflow, begin, end) for node in rows]


def log_of(state: ExecutionState) -> list[LogLine]:
    """The last lines of the log."""
    return [
        LogLine(line.seq, line.at.strftime("%H:%M:%S.%f")[:-3], line.level, str(line.path or ""), line.message)
        for line in state.logs[-MAX_SHOWN_LINES:]
    ]


def shown_value(value: Any) -> str:
    """A value as people read it: text as it is, all else as JSON; very long ones are cut."""
    if value is None:
        return ""
    if is_preview(value):
        return in_words(value)
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return cut(text, MAX_SHOWN_CHARS)


def cut(text: str, most: int) -> str:
    """The beginning of a text that is longer than ``most`` characters, and how much is missing."""
    return (
        text if len(text) <= most else f"{text[:most]}\n… {len(text) - most:,} more characters; REST gives all of it."
    )


def _node_row(node: NodeState, workflow: Workflow, begin: datetime, end: datetime) -> NodeRow:
    spec = workflow.node(node.node_id)
    tokens = node.usage.prompt_tokens + node.usage.completion_tokens
    left, width = _bar(node, begin, end)
    return NodeRow(
        path=node.path,
        title=spec.title if spec else node.node_id,
        type=spec.type if spec else "",
        status=node.status,
        duration=duration(node.started_at, node.completed_at),
        tokens=f"{tokens:,}" if tokens else "",
        attempts=node.attempts,
        input=shown_value(dict(node.input)) if node.input else "",
        output=shown_value(node.output),
        problem=sentence(f"{node.error.get('detail', '')} ({node.error.get('code', '')})") if node.error else "",
        left=f"{left:.1f}%",
        width=f"{width:.1f}%",
    )


def _bar(node: NodeState, begin: datetime, end: datetime) -> tuple[float, float]:
    whole_s = max((end - begin).total_seconds(), 0.001)
    if node.started_at is None:
        return 0.0, 0.0
    left = min(max((node.started_at - begin).total_seconds() / whole_s * 100, 0.0), 99.0)
    took_s = ((node.completed_at or end) - node.started_at).total_seconds()
    return left, min(max(took_s / whole_s * 100, 1.0), 100.0 - left)


def _title(workflow: Workflow, node_id: str) -> str:
    spec = next((node for node in workflow.nodes if node.id == node_id), None)
    return spec.title if spec else node_id
