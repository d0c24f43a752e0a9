"""``/knowledge/memories``: what agents keep from one execution to the next, to look at, mend, take along and delete."""

import reflex as rx

from awe_app.services.memories import MAX_CHARS
from awe_app.ui import theme
from awe_app.ui.components.confirm_dialog import confirm_dialog
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.form_field import form_field
from awe_app.ui.components.knowledge_tabs import knowledge_tabs
from awe_app.ui.components.memory_list import memory_list
from awe_app.ui.components.pager import pager
from awe_app.ui.components.search_field import search_field
from awe_app.ui.components.settings_section import settings_box
from awe_app.ui.layout import page_body, shell
from awe_app.ui.pages.memories_state import PAGE_SIZE, MemoriesState, MemoryState

ON_LOAD = [MemoriesState.load, MemoryState.arrive]


def memories() -> rx.Component:
    """The page."""
    return shell(
        page_body(
            knowledge_tabs("memories"),
            rx.cond(
                MemoriesState.loaded,
                rx.cond(MemoriesState.namespaces, _list(), _first_time()),
                skeleton_blocks(5, "64px", columns="1"),
            ),
            _form(),
            _question(),
        ),
        title="Knowledge",
        actions=rx.cond(MemoriesState.namespaces, _actions(), rx.fragment()),
        section="knowledge",
    )


def _actions() -> rx.Component:
    return rx.flex(
        rx.button(
            rx.icon("trash-2", size=15),
            rx.text("Delete all", as_="span", display=["none", "inline"]),
            variant="soft",
            color_scheme="gray",
            aria_label="Delete all memories of this namespace",
            on_click=MemoryState.ask_all,
            data_testid="memories-delete",
        ),
        rx.button(
            rx.icon("download", size=15),
            rx.text("Export", as_="span", display=["none", "inline"]),
            variant="soft",
            color_scheme="gray",
            aria_label="Export the memories of this namespace",
            on_click=MemoriesState.export,
            data_testid="memories-export",
        ),
        gap=theme.SPACE_S,
        flex_shrink="0",
    )


def _list() -> rx.Component:
    return rx.fragment(
        rx.flex(
            rx.select.root(
                rx.select.trigger(aria_label="Namespace", variant="surface", data_testid="memory-namespace"),
                rx.select.content(
                    rx.foreach(
                        MemoriesState.namespaces, lambda each: rx.select.item(each["title"], value=each["name"])
                    ),
                ),
                value=MemoriesState.namespace,
                on_change=MemoriesState.choose,
            ),
            search_field("What would it remind an agent of?", MemoriesState.search, MemoriesState.query),
            gap=theme.SPACE_S,
            align="center",
            wrap="wrap",
        ),
        rx.cond(
            MemoriesState.rows,
            settings_box(memory_list(MemoriesState.rows, MemoryState.edit, MemoryState.ask)),
            empty_state("search-x", "It reminds of nothing", "Try other words."),
        ),
        rx.cond(
            MemoriesState.query,
            rx.fragment(),
            pager(MemoriesState.offset, PAGE_SIZE, MemoriesState.total, MemoriesState.turn_page),
        ),
    )


def _first_time() -> rx.Component:
    return empty_state(
        "brain",
        "Nothing is remembered yet",
        "Switch on long-term memory in an agent's settings. What it keeps between executions is shown here, "
        "and you can change or delete it.",
    )


def _form() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Edit memory", font_size="var(--font-size-4)"),
            rx.dialog.description(
                "Agents find it by its new words from then on.", font_size="var(--font-size-2)", color=theme.TEXT_MUTED
            ),
            rx.form(
                rx.flex(
                    form_field(
                        "What is remembered",
                        rx.text_area(
                            name="text",
                            id="memory-text",
                            default_value=MemoryState.edited.text,
                            max_length=MAX_CHARS,
                            rows="6",
                            width="100%",
                            data_testid="memory-text",
                        ),
                        name="memory-text",
                    ),
                    rx.cond(
                        MemoryState.problem,
                        rx.callout(
                            MemoryState.problem, icon="circle-alert", color_scheme="red", size="1", role="alert"
                        ),
                    ),
                    rx.flex(
                        rx.button(
                            "Cancel", type="button", variant="soft", color_scheme="gray", on_click=MemoryState.close
                        ),
                        rx.button("Save", type="submit", loading=MemoryState.busy, data_testid="memory-save"),
                        gap=theme.SPACE_S,
                        justify="end",
                    ),
                    direction="column",
                    gap=theme.SPACE_M,
                    margin_top=theme.SPACE_M,
                ),
                on_submit=MemoryState.save,
                no_validate=True,
            ),
            max_width="520px",
        ),
        open=MemoryState.edited.id != "",
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), MemoryState.close()),
    )


def _question() -> rx.Component:
    return confirm_dialog(
        is_open=MemoryState.all_doomed | (MemoryState.doomed.id != ""),
        title=rx.cond(MemoryState.all_doomed, "Delete all these memories?", "Delete this memory?"),
        text=rx.cond(
            MemoryState.all_doomed,
            "Agents forget everything under “" + MemoriesState.namespace + "”. It cannot be taken back.",
            "Agents forget it. It cannot be taken back.",
        ),
        confirm="Delete",
        on_confirm=MemoryState.delete,
        on_cancel=MemoryState.keep,
    )
