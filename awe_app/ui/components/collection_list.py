"""The rows of the list of collections."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.domain.ids import iso
from awe_app.domain.knowledge import Collection
from awe_app.ui import routes, theme
from awe_app.ui.components.browser_parts import time_ago
from awe_app.ui.components.execution_table import NARROW, WIDE
from awe_app.ui.shown import Shown


@dataclass(frozen=True)
class CollectionRow:
    """What is shown of one collection."""

    id: str = ""
    href: str = ""
    name: str = ""
    description: str = ""
    embedder: str = ""
    documents: str = ""
    """``3 documents``, ``2 of 3 ready``; with how many have failed."""
    total: int = 0
    failed: int = 0
    chunks: str = ""
    cut: str = ""
    """How its documents are cut."""
    updated_at: str = ""
    busy: bool = False
    """Whether a document is queued or indexing."""


def rows_of(collections: Iterable[Collection]) -> list[CollectionRow]:
    """The rows of some collections."""
    return [row_of(collection) for collection in collections]


def row_of(collection: Collection) -> CollectionRow:
    """What is shown of a collection."""
    total, ready = collection.documents, collection.ready
    by_headings = ", by headings" if collection.by_headings else ""
    return CollectionRow(
        id=collection.id,
        href=routes.collection(collection.id),
        name=collection.name,
        description=collection.description,
        embedder=collection.embedder,
        documents=f"{ready:,} ready" if ready == total else f"{ready:,} of {total:,} ready",
        total=total,
        failed=collection.failed,
        chunks=f"{collection.chunks:,}",
        cut=f"{collection.chunk_chars:,} characters a chunk, {collection.overlap_chars:,} shared{by_headings}",
        updated_at=iso(collection.updated_at) or "",
        busy=ready + collection.failed < total,
    )


def collection_table(rows: Shown[list[CollectionRow]], on_delete: Any) -> rx.Component:
    """The table; a click anywhere on a row opens the collection."""
    return rx.box(
        rx.table.root(
            rx.table.header(
                rx.table.row(
                    rx.table.column_header_cell("Name"),
                    rx.table.column_header_cell("Documents", width="170px", display=WIDE),
                    rx.table.column_header_cell("Chunks", width="90px", display=WIDE, text_align="right"),
                    rx.table.column_header_cell("Embedder", width="210px", display=WIDE),
                    rx.table.column_header_cell("Changed", width="120px", display=WIDE),
                    rx.table.column_header_cell(rx.el.span("Actions", class_name="unseen"), width="60px"),
                )
            ),
            rx.table.body(rx.foreach(rows, lambda row: _row(row, on_delete))),
            size="2",
            width="100%",
            class_name="fixed",
        ),
        border=theme.BORDER,
        border_radius=theme.RADIUS_LARGE,
        overflow="hidden",
        width="100%",
    )


def _row(row: Shown[CollectionRow], on_delete: Any) -> rx.Component:
    return rx.table.row(
        rx.table.row_header_cell(
            rx.flex(
                rx.link(
                    row.name,
                    href=row.href,
                    class_name="covers cut",
                    color=theme.TEXT,
                    underline="none",
                    _hover={"color": theme.TEXT},
                    title=row.name,
                ),
                rx.cond(
                    row.description,
                    rx.text(row.description, size="1", color=theme.TEXT_MUTED, class_name="cut", title=row.description),
                ),
                rx.flex(documents_of(row), size_of(row), gap="10px", display=_PHONE, wrap="wrap"),
                direction="column",
                min_width="0",
            ),
        ),
        rx.table.cell(documents_of(row), display=WIDE),
        rx.table.cell(
            row.chunks, display=WIDE, color=theme.TEXT_MUTED, text_align="right", font_variant_numeric="tabular-nums"
        ),
        rx.table.cell(rx.box(row.embedder, class_name="cut", title=row.embedder), color=theme.TEXT_MUTED, display=WIDE),
        rx.table.cell(time_ago(moment=row.updated_at), color=theme.TEXT_MUTED, white_space="nowrap", display=WIDE),
        rx.table.cell(
            rx.icon_button(
                rx.icon("trash-2", size=15),
                variant="ghost",
                color_scheme="gray",
                margin="0",
                on_click=on_delete(row.id),
                aria_label="Delete " + row.name,
                position="relative",
                z_index="1",
                data_testid="collection-delete",
            ),
            text_align="right",
        ),
        align="center",
        position="relative",
        class_name="row",
        data_testid="collection-row",
    )


_PHONE = ["flex", "flex", "none"]


def documents_of(row: Shown[CollectionRow]) -> rx.Component:
    """How many documents are ready, in one line; it says when some are being indexed or have failed."""
    return rx.flex(
        rx.cond(
            row.busy,
            rx.icon("loader-circle", size=13, class_name="turning", flex_shrink="0", aria_hidden="true"),
        ),
        rx.text(
            rx.cond(row.total == 0, "No documents", row.documents),
            as_="span",
            size="2",
            color=theme.TEXT_MUTED,
            white_space="nowrap",
            font_variant_numeric="tabular-nums",
        ),
        rx.cond(
            row.failed > 0,
            rx.badge(f"{row.failed} failed", color_scheme="red", size="1", radius="full"),
        ),
        align="center",
        gap="6px",
        wrap="wrap",
    )


def size_of(row: Shown[CollectionRow]) -> rx.Component:
    """How many chunks there are, for small screens."""
    return rx.text(row.chunks + " chunks", as_="span", size="2", color=theme.TEXT_MUTED, display=NARROW)
