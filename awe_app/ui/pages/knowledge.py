"""``/knowledge``: the user's collections of documents."""

import reflex as rx

from awe_app.ui.components.browser_parts import pulse
from awe_app.ui.components.collection_form import collection_form
from awe_app.ui.components.collection_list import collection_table
from awe_app.ui.components.confirm_dialog import confirm_dialog
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.knowledge_tabs import knowledge_tabs
from awe_app.ui.components.pager import pager
from awe_app.ui.components.search_field import search_field
from awe_app.ui.layout import page_body, shell
from awe_app.ui.pages.knowledge_state import PAGE_SIZE, KnowledgeState, NewCollectionState


def knowledge() -> rx.Component:
    """The page."""
    nothing_at_all = (KnowledgeState.total == 0) & (KnowledgeState.query == "")
    return shell(
        page_body(
            knowledge_tabs("collections"),
            rx.cond(
                KnowledgeState.loaded,
                rx.cond(nothing_at_all, _first_time(), _list()),
                skeleton_blocks(6, "48px", columns="1"),
            ),
            pulse(interval_ms=KnowledgeState.pulse_ms, on_pulse=KnowledgeState.refresh),
            collection_form(),
            confirm_dialog(
                is_open=KnowledgeState.doomed.id != "",
                title="Delete this collection?",
                text="“" + KnowledgeState.doomed.name + "” goes with all its documents, and workflows that look things "
                "up in it fail. It cannot be taken back.",
                confirm="Delete",
                on_confirm=KnowledgeState.delete,
                on_cancel=KnowledgeState.keep,
            ),
        ),
        title="Knowledge",
        actions=rx.button(
            rx.icon("plus", size=16),
            rx.text("New", rx.text(" collection", as_="span", display=["none", "inline"]), as_="span"),
            on_click=NewCollectionState.begin,
            data_testid="collection-new",
        ),
        section="knowledge",
    )


def _list() -> rx.Component:
    return rx.fragment(
        rx.flex(search_field("Search collections", KnowledgeState.search, KnowledgeState.query)),
        rx.cond(
            KnowledgeState.rows,
            collection_table(KnowledgeState.rows, KnowledgeState.ask),
            empty_state("search-x", "No collection matches", "Try another word, or clear the search."),
        ),
        pager(KnowledgeState.offset, PAGE_SIZE, KnowledgeState.total, KnowledgeState.turn_page),
    )


def _first_time() -> rx.Component:
    return empty_state(
        "library",
        "No collections yet",
        "Put in files, pages and texts. Agents and workflows find passages in them by meaning and by words, "
        "and say where they stand.",
        rx.button(rx.icon("plus", size=16), "New collection", variant="soft", on_click=NewCollectionState.begin),
    )
