"""``/workflows``: one's own workflows as cards; the empty list offers templates to try."""

import reflex as rx

from awe_app.ui import routes, theme
from awe_app.ui.components.confirm_dialog import confirm_dialog
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.pager import pager
from awe_app.ui.components.search_field import search_field
from awe_app.ui.components.share_dialog import share_dialog
from awe_app.ui.components.workflow_list import CardActions, workflow_card
from awe_app.ui.layout import page_body, shell
from awe_app.ui.pages.share_state import ShareState
from awe_app.ui.pages.templates import TemplateGalleryState, template_grid
from awe_app.ui.pages.workflows_state import PAGE_SIZE, WorkflowListState
from awe_app.ui.shown import count

COLUMNS = rx.breakpoints(initial="1", xs="2", md="3", lg="4")
ORDERS = (("-updated_at", "Last changed"), ("-created_at", "Newest"), ("name", "Name A–Z"), ("-name", "Name Z–A"))
UPLOAD_ID = "import-workflows"


def workflows() -> rx.Component:
    """The page."""
    nothing_at_all = (WorkflowListState.total == 0) & (WorkflowListState.query == "")
    return shell(
        page_body(
            rx.cond(
                WorkflowListState.loaded,
                rx.cond(nothing_at_all, _first_time(), _list()),
                skeleton_blocks(8, "220px", columns=COLUMNS),
            ),
            _question(),
            share_dialog(),
        ),
        title="Workflows",
        actions=_actions(),
        section="workflows",
    )


def _actions() -> rx.Component:
    return rx.flex(
        rx.link(
            rx.icon("users", size=15),
            rx.text("Shared with me", as_="span", display=["none", "inline"]),
            href=routes.SHARED,
            aria_label="Shared with me",
            size="2",
            color=theme.TEXT_MUTED,
            display="inline-flex",
            align_items="center",
            gap="6px",
            margin_right=theme.SPACE_S,
            data_testid="nav-shared",
        ),
        rx.upload.root(
            rx.button(
                rx.icon("upload", size=15),
                rx.text("Import", as_="span", display=["none", "inline"]),
                variant="soft",
                color_scheme="gray",
                aria_label="Import workflow files",
                data_testid="workflow-import",
            ),
            id=UPLOAD_ID,
            accept={"application/json": [".json"]},
            multiple=True,
            max_files=50,
            no_drag=True,
            on_drop=WorkflowListState.import_file(rx.upload_files(upload_id=UPLOAD_ID)),
            padding="0",
            border="none",
            width="auto",
        ),
        rx.button(
            rx.icon("plus", size=16),
            rx.text("New", rx.text(" workflow", as_="span", display=["none", "inline"]), as_="span"),
            on_click=WorkflowListState.create,
            data_testid="workflow-new",
        ),
        gap=theme.SPACE_S,
        align="center",
        flex_shrink="0",
    )


def _list() -> rx.Component:
    actions = CardActions(
        select=lambda workflow_id: lambda chosen: WorkflowListState.select(workflow_id, chosen),
        share=ShareState.show,
        duplicate=WorkflowListState.duplicate,
        export=WorkflowListState.export,
        delete=WorkflowListState.ask_to_delete,
    )
    return rx.fragment(
        rx.cond(WorkflowListState.selected, _bulk_bar(), _tools()),
        rx.cond(
            WorkflowListState.cards,
            rx.grid(
                rx.foreach(
                    WorkflowListState.cards, lambda card: workflow_card(card, WorkflowListState.selected, actions)
                ),
                columns=COLUMNS,
                gap=theme.SPACE_M,
                width="100%",
                role="list",
                aria_label="Workflows",
                class_name=rx.cond(WorkflowListState.selected, "choosing", ""),
            ),
            empty_state("search-x", "No workflow matches", "Try another word, or clear the search."),
        ),
        pager(WorkflowListState.offset, PAGE_SIZE, WorkflowListState.total, WorkflowListState.turn_page),
    )


def _tools() -> rx.Component:
    return rx.flex(
        search_field("Search workflows", WorkflowListState.search, WorkflowListState.query),
        rx.spacer(display=theme.DESKTOP),
        rx.select.root(
            rx.select.trigger(aria_label="Order", variant="surface"),
            rx.select.content(*[rx.select.item(title, value=value) for value, title in ORDERS]),
            value=WorkflowListState.sort,
            on_change=WorkflowListState.sort_by,
        ),
        gap=theme.SPACE_S,
        align="center",
        min_height="34px",
    )


def _bulk_bar() -> rx.Component:
    return rx.flex(
        rx.text(count(WorkflowListState.selected), " selected", size="2", weight="medium", role="status"),
        rx.button("Select all shown", variant="ghost", size="2", on_click=WorkflowListState.select_all),
        rx.spacer(),
        rx.button(
            rx.icon("trash-2", size=14),
            "Delete",
            color_scheme="red",
            variant="soft",
            size="2",
            on_click=WorkflowListState.ask_to_delete_selected,
            data_testid="bulk-delete",
        ),
        rx.icon_button(
            rx.icon("x", size=16),
            variant="ghost",
            color_scheme="gray",
            aria_label="Select nothing",
            on_click=WorkflowListState.select_none,
        ),
        gap=theme.SPACE_M,
        align="center",
        min_height="34px",
    )


def _first_time() -> rx.Component:
    return rx.flex(
        empty_state(
            "workflow",
            "No workflows yet",
            "Start from one that works, or from an empty canvas. Everything runs on this machine, with no key.",
            rx.button(rx.icon("plus", size=16), "Empty workflow", variant="soft", on_click=WorkflowListState.create),
            padding_bottom=theme.SPACE_S,
        ),
        rx.cond(
            TemplateGalleryState.loaded,
            template_grid("Try this"),
            skeleton_blocks(3, "270px", columns=rx.breakpoints(initial="1", xs="2", md="3")),
        ),
        direction="column",
        gap=theme.SPACE_L,
    )


def _question() -> rx.Component:
    asked = count(WorkflowListState.to_delete)
    return confirm_dialog(
        is_open=asked > 0,
        title=rx.cond(asked == 1, "Delete this workflow?", f"Delete {asked} workflows?"),
        text="It cannot be taken back. Past executions stay, with what they did and gave.",
        confirm="Delete",
        on_confirm=WorkflowListState.delete,
        on_cancel=WorkflowListState.keep_all,
    )
