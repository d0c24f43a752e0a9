"""Passages that were found and chunks of a document: a text, where it stands, and how well it fits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.domain.knowledge import Chunk, Passage
from awe_app.ui import theme
from awe_app.ui.shown import Shown


@dataclass(frozen=True)
class PassageRow:
    """What is shown of a passage or a chunk."""

    text: str
    title: str
    source: str
    headings: str
    document_id: str
    chunk: int
    """Its place in the document, from 0."""
    place: str
    """The same for people, from 1."""
    score: str
    scores: str
    """How it did by meaning and by words, where both were asked."""


def passages_of(found: Iterable[Passage | Chunk]) -> list[PassageRow]:
    """The rows of some passages or chunks."""
    return [_row_of(each) for each in found]


def _row_of(found: Passage | Chunk) -> PassageRow:
    metadata = found.metadata
    title, source = str(metadata.get("title") or ""), str(metadata.get("source") or "")
    chunk = metadata.get("chunk")
    place = chunk if isinstance(chunk, int) else found.position if isinstance(found, Chunk) else 0
    score, scores = "", ""
    if isinstance(found, Passage):
        score = _score(found.score)
        parts = [(name, found.scores.get(key)) for key, name in (("vector", "meaning"), ("keyword", "words"))]
        scores = ", ".join(f"{name} {_score(value)}" for name, value in parts if value is not None)
    headings = metadata.get("headings")
    return PassageRow(
        text=found.text,
        title=title or source,
        source=source if source != title else "",
        headings=" › ".join(map(str, headings)) if isinstance(headings, list | tuple) else "",
        document_id=str(metadata.get("document_id") or ""),
        chunk=place,
        place=f"{place + 1:,}",
        score=score,
        scores=scores,
    )


def _score(value: float) -> str:
    return f"{value:.2f}"


def passage_list(rows: Shown[list[PassageRow]], on_open: Any) -> rx.Component:
    """Found passages, best first; each leads to its place in its document (``on_open(document_id, chunk)``)."""
    return rx.box(
        rx.foreach(rows, lambda row: _passage(row, on_open)), class_name="rows", role="list", aria_label="Passages"
    )


def _passage(row: Shown[PassageRow], on_open: Any) -> rx.Component:
    return rx.box(
        rx.flex(
            rx.badge(row.score, color_scheme="iris", size="1", title=row.scores, font_variant_numeric="tabular-nums"),
            rx.text(row.title, size="2", weight="medium", class_name="cut", title=row.title),
            rx.spacer(),
            rx.cond(
                row.document_id,
                rx.button(
                    "Show in document",
                    variant="ghost",
                    size="1",
                    margin="0",
                    flex_shrink="0",
                    min_height="28px",
                    on_click=on_open(row.document_id, row.chunk),
                    aria_label="Show passage " + row.place + " in " + row.title,
                    data_testid="passage-open",
                ),
            ),
            align="center",
            gap=theme.SPACE_S,
            min_width="0",
        ),
        _where(row),
        _text(row.text, class_name="passage-text"),
        padding="12px 14px",
        role="listitem",
        data_testid="passage",
    )


def chunk_list(rows: Shown[list[PassageRow]], marked: Shown[int]) -> rx.Component:
    """A document's chunks in their order; the one at position ``marked`` stands out."""
    return rx.box(
        rx.foreach(rows, lambda row: _chunk(row, marked)), class_name="rows", role="list", aria_label="Chunks"
    )


def _chunk(row: Shown[PassageRow], marked: Shown[int]) -> rx.Component:
    return rx.box(
        rx.flex(
            rx.badge(row.place, color_scheme=rx.cond(row.chunk == marked, "iris", "gray"), size="1"),
            rx.text(row.headings, size="1", color=theme.TEXT_MUTED, overflow_wrap="anywhere"),
            align="center",
            gap=theme.SPACE_S,
        ),
        _text(row.text),
        padding="12px 14px",
        background=rx.cond(row.chunk == marked, theme.SELECTED, "transparent"),
        role="listitem",
        data_testid="chunk",
    )


def _where(row: Shown[PassageRow]) -> rx.Component:
    parts = (row.source, row.headings, row.scores)
    return rx.flex(
        *[
            rx.cond(part, rx.text(part, as_="span", size="1", color=theme.TEXT_MUTED, overflow_wrap="anywhere"))
            for part in parts
        ],
        class_name="dotted",
        wrap="wrap",
        margin_top="2px",
        data_testid="passage-source",
    )


def _text(text: Shown[str], **props: Any) -> rx.Component:
    return rx.text(
        text,
        size="2",
        margin_top="6px",
        white_space="pre-wrap",
        overflow_wrap="anywhere",
        line_height="1.55",
        **props,
    )
