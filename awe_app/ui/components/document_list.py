"""The rows of a collection's documents."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.domain.ids import iso
from awe_app.domain.knowledge import Document
from awe_app.ui import theme
from awe_app.ui.components.browser_parts import time_ago
from awe_app.ui.components.execution_table import NARROW, WIDE
from awe_app.ui.shown import Shown
from awe_app.ui.toasts import sentence

STATUSES = (
    ("queued", "Queued", "circle-dashed", "gray"),
    ("indexing", "Indexing", "loader-circle", "blue"),
    ("ready", "Ready", "circle-check", "green"),
    ("failed", "Failed", "circle-x", "red"),
)
"""Status, word, icon and colour."""
KINDS = (("file", "file-text"), ("url", "globe"), ("text", "text"))


@dataclass(frozen=True)
class DocumentRow:
    """What one row shows."""

    id: str = ""
    name: str = ""
    kind: str = ""
    source: str = ""
    status: str = ""
    percent: int = 0
    """How far the indexing is."""
    chunks: str = ""
    size: str = ""
    problem: str = ""
    created_at: str = ""
    busy: bool = False


@dataclass(frozen=True)
class DocumentActions:
    """What a row's buttons do; each takes the document's id."""

    open: Any
    again: Any
    delete: Any


def rows_of(documents: Iterable[Document]) -> list[DocumentRow]:
    """The rows of some documents."""
    return [row_of(document) for document in documents]


def row_of(document: Document) -> DocumentRow:
    """What is shown of a document."""
    busy = document.status in ("queued", "indexing")
    return DocumentRow(
        id=document.id,
        name=document.name,
        kind=document.kind,
        source=document.source if document.kind == "url" else "",
        status=document.status,
        percent=round(100 * document.chunks_done / document.chunks) if document.chunks else 0,
        chunks=f"{document.chunks:,}" if document.status == "ready" else "–",
        size=size_in_words(document.size_bytes) if document.size_bytes else "–",
        problem=sentence(str((document.error or {}).get("detail") or ""))[:400],
        created_at=iso(document.created_at) or "",
        busy=busy,
    )


def size_in_words(size_bytes: int) -> str:
    """Such as ``840 B``, ``12 kB``, ``3.4 MB``."""
    if size_bytes < 1_000:
        return f"{size_bytes} B"
    if size_bytes < 999_500:
        return f"{size_bytes / 1_000:.0f} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"


def document_table(rows: Shown[list[DocumentRow]], actions: DocumentActions) -> rx.Component:
    """The table; the name of a document that is ready opens its chunks."""
    return rx.box(
        rx.table.root(
            rx.table.header(
                rx.table.row(
                    rx.table.column_header_cell("Document"),
                    rx.table.column_header_cell("Status", width="150px", display=WIDE),
                    rx.table.column_header_cell("Chunks", width="90px", display=WIDE, text_align="right"),
                    rx.table.column_header_cell("Size", width="90px", display=WIDE, text_align="right"),
                    rx.table.column_header_cell("Added", width="120px", display=WIDE),
                    rx.table.column_header_cell(
                        rx.el.span("Actions", class_name="unseen"), width=["92px", "92px", "96px"]
                    ),
                )
            ),
            rx.table.body(rx.foreach(rows, lambda row: _row(row, actions))),
            size="2",
            width="100%",
            class_name="fixed",
        ),
        border=theme.BORDER,
        border_radius=theme.RADIUS_LARGE,
        overflow="hidden",
        width="100%",
    )


def _row(row: Shown[DocumentRow], actions: DocumentActions) -> rx.Component:
    return rx.table.row(
        rx.table.row_header_cell(
            rx.flex(
                rx.match(
                    row.kind,
                    *[(kind, _icon(icon)) for kind, icon in KINDS],
                    _icon("file"),
                ),
                rx.flex(
                    rx.cond(
                        row.status == "ready",
                        rx.el.button(
                            row.name,
                            type="button",
                            on_click=actions.open(row.id),
                            class_name="covers cut",
                            background="none",
                            border="none",
                            padding="0",
                            max_width="100%",
                            font="inherit",
                            color="inherit",
                            text_align="left",
                            cursor="pointer",
                            title=row.name,
                            data_testid="document-open",
                        ),
                        rx.text(row.name, as_="span", class_name="cut", title=row.name),
                    ),
                    rx.cond(
                        row.source & (row.source != row.name),
                        rx.text(row.source, size="1", color=theme.TEXT_MUTED, class_name="cut", title=row.source),
                    ),
                    rx.cond(
                        row.problem,
                        rx.text(
                            row.problem,
                            size="1",
                            color=theme.DANGER_TEXT,
                            overflow_wrap="anywhere",
                            data_testid="document-problem",
                        ),
                    ),
                    rx.box(_status(row), display=NARROW),
                    direction="column",
                    align="stretch",
                    gap="2px",
                    min_width="0",
                    flex="1",
                ),
                gap="10px",
                align="start",
            ),
        ),
        rx.table.cell(_status(row), display=WIDE),
        _figure(row.chunks),
        _figure(row.size),
        rx.table.cell(time_ago(moment=row.created_at), color=theme.TEXT_MUTED, white_space="nowrap", display=WIDE),
        rx.table.cell(
            rx.flex(
                rx.cond(
                    row.busy,
                    rx.fragment(),
                    _button(
                        "refresh-cw",
                        rx.cond(row.status == "failed", "Index again: ", "Index anew: ") + row.name,
                        actions.again(row.id),
                        "document-again",
                    ),
                ),
                _button("trash-2", "Delete " + row.name, actions.delete(row.id), "document-delete"),
                justify="end",
                gap="2px",
            ),
        ),
        align="center",
        position="relative",
        class_name=rx.cond(row.status == "ready", "row", ""),
        data_testid="document-row",
        data_status=row.status,
    )


def _status(row: Shown[DocumentRow]) -> rx.Component:
    return rx.flex(
        rx.match(
            row.status,
            *[(status, _badge(word, icon, color, status == "indexing")) for status, word, icon, color in STATUSES],
            rx.fragment(),
        ),
        rx.cond(
            row.status == "indexing",
            rx.progress(
                value=row.percent, size="1", width="52px", aria_label="Indexed", data_testid="document-progress"
            ),
        ),
        align="center",
        gap="8px",
    )


def _badge(word: str, icon: str, color: str, turning: bool) -> rx.Component:
    return rx.badge(
        rx.icon(icon, size=12, class_name="turning" if turning else "", custom_attrs={"aria-hidden": "true"}),
        word,
        color_scheme=color,  # pyright: ignore [reportArgumentType]
        variant="soft",
        radius="full",
        size="1",
    )


def _icon(name: str) -> rx.Component:
    return rx.icon(
        name, size=15, color=theme.TEXT_MUTED, flex_shrink="0", margin_top="2px", custom_attrs={"aria-hidden": "true"}
    )


def _figure(value: Shown[str]) -> rx.Component:
    return rx.table.cell(
        value,
        display=WIDE,
        color=theme.TEXT_MUTED,
        text_align="right",
        white_space="nowrap",
        font_variant_numeric="tabular-nums",
    )


def _button(icon: str, label: Any, event: Any, test_id: str) -> rx.Component:
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
        position="relative",
        z_index="1",
        data_testid=test_id,
    )
