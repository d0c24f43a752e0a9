"""``/knowledge/<id>``: one collection: find passages in it, see its documents come in, add and remove some."""

from typing import Any

import reflex as rx
from reflex.style import Style
from reflex_base.event import parse_args_spec, passthrough_event_spec

from awe_app.services.knowledge import MAX_FILE_BYTES
from awe_app.ui import routes, theme
from awe_app.ui.components.browser_parts import pulse
from awe_app.ui.components.collection_dialogs import add_dialog, chunks_dialog, questions
from awe_app.ui.components.collection_list import documents_of
from awe_app.ui.components.document_list import STATUSES, DocumentActions, document_table
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.pager import pager
from awe_app.ui.components.passage_list import passage_list
from awe_app.ui.components.search_field import search_field
from awe_app.ui.components.settings_section import settings_box
from awe_app.ui.layout import page_body, shell
from awe_app.ui.pages.collection_reading import PassagesState, ReadingState
from awe_app.ui.pages.collection_state import ALL, PAGE_SIZE, AddState, CollectionDeletionState, CollectionState

MODES = (("hybrid", "Both"), ("vector", "Meaning"), ("keyword", "Words"))
MAX_FILES = 100
"""Dropped at once."""
ON_LOAD = [CollectionState.load, AddState.arrive, ReadingState.arrive, PassagesState.arrive]


def collection() -> rx.Component:
    """The page."""
    head = CollectionState.head
    return shell(
        rx.cond(
            CollectionState.missing,
            empty_state(
                "file-question",
                "There is no such collection",
                "It may be someone else's, or it has been deleted.",
                rx.link(rx.button("To all collections"), href=routes.KNOWLEDGE),
            ),
            rx.cond(
                head.id,
                _drop_zone(
                    page_body(
                        _facts(),
                        rx.cond(head.total > 0, _finder(), rx.fragment()),
                        rx.cond(head.total > 0, _documents(), _nothing()),
                    )
                ),
                page_body(skeleton_blocks(5, "56px", columns="1")),
            ),
        ),
        pulse(interval_ms=CollectionState.pulse_ms, on_pulse=CollectionState.refresh),
        add_dialog(),
        chunks_dialog(),
        questions(),
        title=_title(),
        actions=rx.cond(CollectionState.missing | (head.id == ""), rx.fragment(), _actions()),
        section="knowledge",
    )


def _title() -> rx.Component:
    return rx.flex(
        rx.link(
            "Knowledge", href=routes.KNOWLEDGE, color=theme.TEXT_MUTED, size="3", display=["none", "none", "block"]
        ),
        rx.text("/", color=theme.TEXT_MUTED, aria_hidden="true", display=["none", "none", "block"]),
        rx.heading(
            rx.cond(CollectionState.head.name, CollectionState.head.name, "Collection"),
            as_="h1",
            size="4",
            weight="medium",
            class_name="cut",
        ),
        align="center",
        gap="10px",
        width="100%",
        min_width="0",
    )


def _actions() -> rx.Component:
    return rx.flex(
        rx.dropdown_menu.root(
            rx.dropdown_menu.trigger(
                rx.button(
                    rx.icon("ellipsis", size=16),
                    variant="soft",
                    color_scheme="gray",
                    aria_label="More",
                    data_testid="collection-more",
                )
            ),
            rx.dropdown_menu.content(
                _entry("globe", "Add a page", AddState.begin("url"), "add-url"),
                _entry("text", "Add a text", AddState.begin("text"), "add-text"),
                rx.dropdown_menu.separator(),
                rx.dropdown_menu.item(
                    rx.icon("trash-2", size=14),
                    "Delete collection",
                    color_scheme="red",
                    on_select=CollectionDeletionState.ask,
                    data_testid="collection-delete",
                ),
                align="end",
            ),
        ),
        _wide_button("globe", "Add a page", AddState.begin("url"), "collection-add-url"),
        _wide_button("text", "Add a text", AddState.begin("text"), "collection-add-text"),
        _upload_button("collection-upload", "document-upload"),
        gap=theme.SPACE_S,
        align="center",
        flex_shrink="0",
    )


def _wide_button(icon: str, title: str, event: Any, test_id: str) -> rx.Component:
    """On small screens the menu alone has it."""
    return rx.button(
        rx.icon(icon, size=15),
        title,
        variant="soft",
        color_scheme="gray",
        display=theme.DESKTOP,
        on_click=event,
        data_testid=test_id,
    )


def _entry(icon: str, title: str, event: Any, test_id: str) -> rx.Component:
    return rx.dropdown_menu.item(rx.icon(icon, size=14), title, on_select=event, data_testid=test_id)


def _upload_button(upload_id: str, test_id: str) -> rx.Component:
    return rx.upload.root(
        rx.button(
            rx.icon("upload", size=15),
            rx.text("Upload", as_="span"),
            aria_label="Upload files",
            data_testid=test_id,
        ),
        id=upload_id,
        no_drag=True,
        no_keyboard=True,
        padding="0",
        border="none",
        width="auto",
        **_takes(upload_id),
    )


def _drop_zone(content: rx.Component) -> rx.Component:
    return rx.upload.root(
        content,
        rx.el.div(rx.icon("upload", size=18, aria_hidden="true"), "Drop files to add them", class_name="drop-here"),
        id="collection-drop",
        no_click=True,
        no_keyboard=True,
        class_name="drop-zone",
        drag_active_style=Style({"& .drop-here": {"display": "flex"}}),
        **_takes("collection-drop"),
    )


def _takes(upload_id: str) -> dict[str, Any]:
    # Reflex sends the files and nothing else; what they are is said by an event of its own, which comes first.
    files = parse_args_spec(passthrough_event_spec(list[rx.UploadFile]))[0][0]
    size_bytes = rx.Var(f"{files!s}.reduce((sum, file) => sum + file.size, 0)").to(int)
    return {
        "multiple": True,
        "max_files": MAX_FILES,
        "min_size": 1,
        "max_size": MAX_FILE_BYTES,
        "on_drop": [
            AddState.announce(rx.Var(f"{files!s}.length").to(int), size_bytes),
            AddState.upload(rx.upload_files(upload_id=upload_id)),  # pyright: ignore [reportArgumentType]
        ],
        "on_drop_rejected": AddState.refuse,
    }


def _facts() -> rx.Component:
    head = CollectionState.head
    return rx.flex(
        rx.cond(head.description, rx.text(head.description, size="2", overflow_wrap="anywhere"), rx.fragment()),
        rx.flex(
            documents_of(head),
            *[
                rx.text(text, as_="span", size="2", color=theme.TEXT_MUTED)
                for text in (head.chunks + " chunks", head.embedder, head.cut)
            ],
            class_name="dotted",
            wrap="wrap",
            align="center",
            data_testid="collection-facts",
        ),
        direction="column",
        gap="4px",
    )


def _finder() -> rx.Component:
    """The search, and what it found."""
    return rx.el.section(
        rx.form(
            rx.flex(
                rx.box(
                    rx.input(
                        rx.input.slot(rx.icon("search", size=15, custom_attrs={"aria-hidden": "true"})),
                        name="query",
                        placeholder="Ask or search in this collection",
                        aria_label="Search in this collection",
                        max_length=10_000,
                        type="search",
                        width="100%",
                        size="3",
                        data_testid="passage-query",
                    ),
                    flex="1 1 180px",
                ),
                rx.button("Search", type="submit", size="3", loading=PassagesState.busy, data_testid="passage-search"),
                rx.segmented_control.root(
                    *[
                        rx.segmented_control.item(title, value=mode, custom_attrs={"data-testid": f"mode-{mode}"})
                        for mode, title in MODES
                    ],
                    value=PassagesState.mode,
                    on_change=PassagesState.change_mode,
                    size="3",
                    custom_attrs={"aria-label": "Find by"},
                ),
                gap=theme.SPACE_S,
                wrap="wrap",
            ),
            on_submit=PassagesState.search,
        ),
        rx.cond(PassagesState.query, _found(), rx.fragment()),
        aria_label="Search",
    )


def _found() -> rx.Component:
    return rx.box(
        rx.flex(
            rx.text(
                rx.cond(
                    PassagesState.passages,
                    "Best passages for “" + PassagesState.query + "”",
                    "Nothing found for “" + PassagesState.query + "”",
                ),
                size="2",
                weight="medium",
                role="status",
                class_name="cut",
            ),
            rx.spacer(),
            rx.button(
                rx.icon("x", size=14),
                "Close",
                variant="ghost",
                color_scheme="gray",
                margin="0",
                size="1",
                min_height="28px",
                on_click=PassagesState.clear,
                data_testid="passages-close",
            ),
            align="center",
            gap=theme.SPACE_M,
            margin="14px 0 8px",
        ),
        rx.cond(
            PassagesState.passages,
            settings_box(passage_list(PassagesState.passages, ReadingState.open)),
            rx.text("Try other words, or find by meaning.", size="2", color=theme.TEXT_MUTED),
        ),
        data_testid="passages",
    )


def _documents() -> rx.Component:
    actions = DocumentActions(
        open=lambda document_id: ReadingState.open(document_id, -1),
        again=CollectionState.index_again,
        delete=ReadingState.ask,
    )
    return rx.fragment(
        rx.flex(
            rx.heading("Documents", as_="h2", size="3", weight="medium", flex=["1 0 100%", "1 0 100%", "0 0 auto"]),
            rx.cond(
                AddState.uploading,
                rx.text(AddState.uploading, size="2", color=theme.TEXT_MUTED, role="status"),
                rx.fragment(),
            ),
            rx.spacer(display=theme.DESKTOP),
            search_field("Search documents", CollectionState.search, CollectionState.query),
            rx.select.root(
                rx.select.trigger(aria_label="Status", variant="surface", data_testid="document-status"),
                rx.select.content(
                    rx.select.item("Any status", value=ALL),
                    *[rx.select.item(title, value=status) for status, title, _icon, _color in STATUSES],
                ),
                value=CollectionState.status,
                on_change=CollectionState.filter_by,
            ),
            gap=theme.SPACE_S,
            align="center",
            wrap="wrap",
            margin_top=theme.SPACE_S,
        ),
        rx.cond(
            CollectionState.rows,
            document_table(CollectionState.rows, actions),
            empty_state("search-x", "No document matches", "Try another word or another status."),
        ),
        pager(CollectionState.offset, PAGE_SIZE, CollectionState.total, CollectionState.turn_page),
    )


def _nothing() -> rx.Component:
    return empty_state(
        "file-up",
        rx.cond(AddState.uploading, AddState.uploading, "Nothing in it yet"),
        "Drop files here, or add them by a button: PDF, Word, Excel, HTML, Markdown, CSV, JSON and plain text, "
        f"up to {MAX_FILE_BYTES // 1024**2} MB each.",
        _upload_button("collection-first-upload", "document-first-upload"),
        rx.button(
            rx.icon("globe", size=15), "Add a page", variant="soft", color_scheme="gray", on_click=AddState.begin("url")
        ),
        rx.button(
            rx.icon("text", size=15), "Add a text", variant="soft", color_scheme="gray", on_click=AddState.begin("text")
        ),
        padding="clamp(24px, 8vh, 80px) 16px 40px",
    )
