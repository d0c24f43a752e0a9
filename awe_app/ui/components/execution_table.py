"""The rows of the list of executions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import reflex as rx

from awe_app.domain.execution import FINAL_STATUSES
from awe_app.domain.ids import iso
from awe_app.domain.stored import ExecutionSummary
from awe_app.ui import routes, theme
from awe_app.ui.components.browser_parts import time_ago
from awe_app.ui.components.status_badge import status_badge
from awe_app.ui.shown import Shown
from awe_app.ui.toasts import sentence

WIDE = ["none", "none", "table-cell"]
NARROW = ["inline", "inline", "none"]
"""``display`` of columns that small screens leave out."""


@dataclass(frozen=True)
class ExecutionRow:
    """What one row shows."""

    id: str
    href: str
    workflow: str
    status: str
    created_at: str
    duration: str
    tokens: str
    problem: str
    ended: bool


def rows_of(executions: Iterable[ExecutionSummary]) -> list[ExecutionRow]:
    """The rows of some executions."""
    return [_row_of(execution) for execution in executions]


def _row_of(execution: ExecutionSummary) -> ExecutionRow:
    usage = execution.usage or {}
    tokens = int(usage.get("prompt_tokens") or 0) + int(usage.get("completion_tokens") or 0)
    error = execution.error or {}
    return ExecutionRow(
        id=execution.execution_id,
        href=routes.execution(execution.execution_id),
        workflow=execution.workflow_name or "Deleted workflow",
        status=execution.status,
        created_at=iso(execution.created_at) or "",
        duration=duration(execution.started_at, execution.completed_at),
        tokens=f"{tokens:,}" if tokens else "–",
        problem=sentence(str(error.get("detail") or ""))[:200],
        ended=execution.status in FINAL_STATUSES,
    )


def duration(started_at: datetime | None, completed_at: datetime | None) -> str:
    """How long it took, such as ``840 ms``, ``3.2 s``, ``2 min 5 s``; a dash until it has ended."""
    if started_at is None or completed_at is None:
        return "–"
    seconds = max(0.0, (completed_at - started_at).total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def execution_table(rows: Shown[list[ExecutionRow]]) -> rx.Component:
    """The table; a click anywhere on a row opens the execution."""
    return rx.box(
        rx.table.root(
            rx.table.header(
                rx.table.row(
                    rx.table.column_header_cell("Status", width="130px"),
                    rx.table.column_header_cell("Workflow"),
                    rx.table.column_header_cell("Started", width="130px", display=WIDE),
                    rx.table.column_header_cell("Took", width="110px", display=WIDE),
                    rx.table.column_header_cell("Tokens", width="90px", display=WIDE, text_align="right"),
                )
            ),
            rx.table.body(rx.foreach(rows, _row)),
            size="2",
            width="100%",
            class_name="fixed",
        ),
        border=theme.BORDER,
        border_radius=theme.RADIUS_LARGE,
        overflow="hidden",
        width="100%",
    )


def _row(row: Shown[ExecutionRow]) -> rx.Component:
    return rx.table.row(
        rx.table.cell(status_badge(row.status)),
        rx.table.row_header_cell(
            rx.flex(
                rx.link(
                    row.workflow,
                    href=row.href,
                    class_name="covers cut",
                    color=theme.TEXT,
                    underline="none",
                    _hover={"color": theme.TEXT},
                    title=row.workflow,
                ),
                rx.cond(
                    row.problem,
                    rx.text(row.problem, size="1", color=theme.DANGER_TEXT, class_name="cut", title=row.problem),
                ),
                rx.text(time_ago(moment=row.created_at), size="1", color=theme.TEXT_MUTED, display=NARROW),
                direction="column",
                min_width="0",
            ),
        ),
        rx.table.cell(time_ago(moment=row.created_at), color=theme.TEXT_MUTED, white_space="nowrap", display=WIDE),
        rx.table.cell(row.duration, display=WIDE, color=theme.TEXT_MUTED, font_variant_numeric="tabular-nums"),
        rx.table.cell(
            row.tokens, display=WIDE, color=theme.TEXT_MUTED, text_align="right", font_variant_numeric="tabular-nums"
        ),
        align="center",
        position="relative",
        class_name="row",
        data_testid="execution-row",
        data_status=row.status,
    )
