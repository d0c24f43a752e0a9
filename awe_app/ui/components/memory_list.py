"""What agents remember, as a list."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.domain.ids import iso
from awe_app.domain.memory import Memory
from awe_app.ui import routes, theme
from awe_app.ui.components.browser_parts import time_ago
from awe_app.ui.shown import Shown


@dataclass(frozen=True)
class MemoryRow:
    """What is shown of one memory."""

    id: str = ""
    text: str = ""
    created_at: str = ""
    kind: str = ""
    """What it is, such as ``fact`` or ``turn``; empty where nobody said."""
    href: str = ""
    """The execution it came from."""
    score: str = ""


def rows_of(memories: Iterable[Memory]) -> list[MemoryRow]:
    """The rows of some memories."""
    return [_row_of(memory) for memory in memories]


def _row_of(memory: Memory) -> MemoryRow:
    execution_id = memory.metadata.get("execution_id")
    return MemoryRow(
        id=memory.id,
        text=memory.text,
        created_at=iso(memory.created_at) or "",
        kind=str(memory.metadata.get("kind") or "")[:40],
        href=routes.execution(execution_id) if isinstance(execution_id, str) and execution_id else "",
        score="" if memory.score is None else f"{memory.score:.2f}",
    )


def memory_list(rows: Shown[list[MemoryRow]], on_edit: Any, on_delete: Any) -> rx.Component:
    """The memories, each with *Edit* and *Delete*; both take its id."""
    return rx.box(
        rx.foreach(rows, lambda row: _memory(row, on_edit, on_delete)),
        class_name="rows",
        role="list",
        aria_label="Memories",
    )


def _memory(row: Shown[MemoryRow], on_edit: Any, on_delete: Any) -> rx.Component:
    return rx.flex(
        rx.box(
            rx.text(row.text, size="2", white_space="pre-wrap", overflow_wrap="anywhere", line_height="1.55"),
            rx.flex(
                rx.cond(
                    row.score,
                    rx.badge(row.score, color_scheme="iris", size="1", title="How well it fits"),
                    rx.fragment(),
                ),
                rx.cond(row.kind, rx.badge(row.kind, color_scheme="gray", size="1"), rx.fragment()),
                rx.text(time_ago(moment=row.created_at), as_="span", size="1", color=theme.TEXT_MUTED),
                rx.cond(row.href, rx.link("From an execution", href=row.href, size="1"), rx.fragment()),
                align="center",
                wrap="wrap",
                gap="8px",
                margin_top="6px",
            ),
            flex="1",
            min_width="0",
        ),
        rx.flex(
            _button("pencil", "Edit", on_edit(row.id), "memory-edit"),
            _button("trash-2", "Delete", on_delete(row.id), "memory-delete"),
            gap="2px",
            flex_shrink="0",
        ),
        gap=theme.SPACE_M,
        align="start",
        padding="12px 8px 12px 14px",
        role="listitem",
        data_testid="memory-row",
    )


def _button(icon: str, label: str, event: Any, test_id: str) -> rx.Component:
    return rx.icon_button(
        rx.icon(icon, size=15),
        variant="ghost",
        color_scheme="gray",
        margin="0",
        min_width="36px",
        min_height="36px",
        on_click=event,
        aria_label=label,
        title=label,
        data_testid=test_id,
    )
