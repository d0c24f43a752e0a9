"""The dialogs of a collection's page: add a page or a text, read a document's chunks, ask before something goes."""

from typing import Any

import reflex as rx

from awe_app.services.knowledge import MAX_NAME
from awe_app.ui import theme
from awe_app.ui.components.confirm_dialog import confirm_dialog
from awe_app.ui.components.form_field import form_field
from awe_app.ui.components.pager import pager
from awe_app.ui.components.passage_list import chunk_list
from awe_app.ui.pages.collection_reading import CHUNKS_SHOWN, ReadingState
from awe_app.ui.pages.collection_state import AddState, CollectionDeletionState, CollectionState


def add_dialog() -> rx.Component:
    """Takes the address of a page, or a text."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(
                rx.cond(AddState.kind == "url", "Add a page", "Add a text"), font_size="var(--font-size-4)"
            ),
            rx.dialog.description(
                rx.cond(
                    AddState.kind == "url",
                    "It is fetched now; index it anew when it has changed.",
                    "Headings in Markdown are understood.",
                ),
                font_size="var(--font-size-2)",
                color=theme.TEXT_MUTED,
            ),
            rx.form(
                rx.flex(
                    rx.cond(AddState.kind == "url", _address(), _written()),
                    rx.cond(
                        AddState.problem,
                        rx.callout(AddState.problem, icon="circle-alert", color_scheme="red", size="1", role="alert"),
                    ),
                    rx.flex(
                        rx.button(
                            "Cancel", type="button", variant="soft", color_scheme="gray", on_click=AddState.close
                        ),
                        rx.button("Add", type="submit", loading=AddState.busy, data_testid="add-save"),
                        gap=theme.SPACE_S,
                        justify="end",
                    ),
                    direction="column",
                    gap=theme.SPACE_M,
                    margin_top=theme.SPACE_M,
                ),
                on_submit=AddState.save,
                no_validate=True,
            ),
            max_width="560px",
        ),
        open=AddState.kind != "",
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), AddState.close()),
    )


def _address() -> rx.Component:
    return form_field(
        "Address",
        rx.input(
            name="url",
            id="add-url",
            type="url",
            placeholder="https://",
            max_length=2_000,
            auto_focus=True,
            width="100%",
            data_testid="add-url-field",
        ),
        name="add-url",
    )


def _written() -> rx.Component:
    return rx.fragment(
        form_field(
            "Name",
            rx.input(
                name="name",
                id="add-name",
                placeholder="Its first words",
                max_length=MAX_NAME,
                width="100%",
                data_testid="add-text-name",
            ),
            name="add-name",
        ),
        form_field(
            "Text",
            rx.text_area(name="text", id="add-text", rows="10", width="100%", data_testid="add-text-field"),
            name="add-text",
        ),
    )


def chunks_dialog() -> rx.Component:
    """A document's chunks, page by page."""
    document: Any = ReadingState.document
    return rx.dialog.root(
        rx.dialog.content(
            rx.flex(
                rx.dialog.title(
                    document.name, font_size="var(--font-size-4)", margin="0", class_name="cut", title=document.name
                ),
                rx.dialog.close(
                    rx.icon_button(
                        rx.icon("x", size=16), variant="ghost", color_scheme="gray", margin="0", aria_label="Close"
                    )
                ),
                justify="between",
                align="center",
                gap=theme.SPACE_M,
            ),
            rx.dialog.description(
                rx.cond(ReadingState.total == 1, "1 chunk", f"{ReadingState.total} chunks"),
                rx.cond(document.source, " of " + document.source, ""),
                font_size="var(--font-size-2)",
                color=theme.TEXT_MUTED,
                overflow_wrap="anywhere",
                margin_bottom="12px",
            ),
            rx.box(
                chunk_list(ReadingState.chunks, ReadingState.marked),
                border=theme.BORDER,
                border_radius=theme.RADIUS_LARGE,
                max_height="min(60vh, 640px)",
                overflow_y="auto",
                tab_index=0,
                role="region",
                aria_label="Chunks of the document",
            ),
            rx.box(
                pager(ReadingState.offset, CHUNKS_SHOWN, ReadingState.total, ReadingState.turn_page),
                margin_top="12px",
            ),
            max_width="760px",
        ),
        open=document.id != "",
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), ReadingState.close()),
    )


def questions() -> rx.Component:
    """Asks before a document or the collection is deleted."""
    return rx.fragment(
        confirm_dialog(
            is_open=ReadingState.doomed.id != "",
            title="Delete this document?",
            text="“" + ReadingState.doomed.name + "” is found no more. It cannot be taken back.",
            confirm="Delete",
            on_confirm=ReadingState.delete,
            on_cancel=ReadingState.keep,
        ),
        confirm_dialog(
            is_open=CollectionDeletionState.asked,
            title="Delete this collection?",
            text="“" + CollectionState.head.name + "” goes with all its documents, and workflows that look things up "
            "in it fail. It cannot be taken back.",
            confirm="Delete",
            on_confirm=CollectionDeletionState.delete,
            on_cancel=CollectionDeletionState.keep,
        ),
    )
