"""``/shared``: what others share with one."""

from dataclasses import dataclass

import reflex as rx

from awe_app.domain.ids import WorkflowId, iso
from awe_app.domain.pages import PageQuery
from awe_app.services import services
from awe_app.ui import routes, theme
from awe_app.ui.components.browser_parts import time_ago
from awe_app.ui.components.confirm_dialog import confirm_dialog
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.pager import pager
from awe_app.ui.components.search_field import search_field
from awe_app.ui.layout import page_body, shell
from awe_app.ui.pages.workflows_state import COPY_SUFFIX, MAX_NAME_LENGTH
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.shown import Shown

PAGE_SIZE = 24


@dataclass(frozen=True)
class SharedRow:
    """One workflow that somebody shares."""

    id: str
    share_id: str
    name: str
    description: str
    href: str
    owner: str
    permission: str
    updated_at: str


class SharedState(rx.State):
    """The page of what is shared with the user."""

    rows: list[SharedRow] = []
    total: int = 0
    query: str = ""
    offset: int = 0
    loaded: bool = False
    leaving: str = ""
    """The share that the dialog asks about; empty while it is closed."""

    @rx.event
    @refusals_told
    async def load(self):
        """Show the list from its beginning."""
        self.query, self.offset, self.leaving = "", 0, ""
        await self._show()

    @rx.event
    @refusals_told
    async def search(self, text: str):
        """Show those whose name or description holds the text."""
        self.query, self.offset = text, 0
        await self._show()

    @rx.event
    @refusals_told
    async def turn_page(self, step: int):
        """Show the next (1) or the previous (-1) page."""
        self.offset = max(0, self.offset + step * PAGE_SIZE)
        await self._show()

    @rx.event
    @refusals_told
    async def duplicate(self, workflow_id: str):
        """Make a copy of one's own and open it."""
        user = await signed_in(self)
        raw = (await services().workflows.get(user, WorkflowId(workflow_id))).workflow.as_json()
        raw["name"] = raw["name"][: MAX_NAME_LENGTH - len(COPY_SUFFIX)] + COPY_SUFFIX
        made = await services().workflows.create(user, raw)
        return rx.redirect(routes.workflow(made.id))

    @rx.event
    def ask_to_leave(self, share_id: str):
        """Ask before leaving."""
        self.leaving = share_id

    @rx.event
    def stay(self):
        """Close the question and leave nothing."""
        self.leaving = ""

    @rx.event
    @refusals_told
    async def leave(self):
        """Leave what the dialog asked about."""
        user = await signed_in(self)
        share_id, self.leaving = self.leaving, ""
        if share_id:
            await services().sharing.revoke(user, share_id)
        await self._show()

    async def _show(self) -> None:
        user = await signed_in(self)
        page = await services().sharing.shared(user, PageQuery(PAGE_SIZE, self.offset, self.query))
        self.rows = [
            SharedRow(
                id=each.workflow.id,
                share_id=each.share.id,
                name=each.workflow.workflow.name,
                description=(each.workflow.workflow.description or "")[:300],
                href=routes.workflow(each.workflow.id),
                owner=each.owner,
                permission=each.share.permission.label,
                updated_at=iso(each.workflow.updated_at) or "",
            )
            for each in page.items
        ]
        self.total, self.loaded = page.total, True


def shared() -> rx.Component:
    """The page."""
    nothing = (SharedState.total == 0) & (SharedState.query == "")
    return shell(
        page_body(
            rx.cond(
                SharedState.loaded,
                rx.cond(
                    nothing,
                    empty_state("users", "Nothing is shared with you", "What others share with you appears here."),
                    _list(),
                ),
                skeleton_blocks(3, "58px"),
            ),
            confirm_dialog(
                is_open=SharedState.leaving != "",
                title="Leave this workflow?",
                text="You will not see it any more, nor what you ran of it. What is running is stopped.",
                confirm="Leave",
                on_confirm=SharedState.leave,
                on_cancel=SharedState.stay,
            ),
        ),
        title="Shared with me",
        section="workflows",
    )


def _list() -> rx.Component:
    return rx.fragment(
        rx.flex(search_field("Search what is shared", SharedState.search, SharedState.query), min_height="34px"),
        rx.cond(
            SharedState.rows,
            rx.box(rx.foreach(SharedState.rows, _row), class_name="rows", role="list", aria_label="Shared with me"),
            empty_state("search-x", "No workflow matches", "Try another word, or clear the search."),
        ),
        pager(SharedState.offset, PAGE_SIZE, SharedState.total, SharedState.turn_page),
    )


def _row(row: Shown[SharedRow]) -> rx.Component:
    return rx.flex(
        rx.box(
            rx.link(row.name, href=row.href, size="2", weight="medium", color=theme.TEXT, overflow_wrap="anywhere"),
            rx.text("by " + row.owner + " · ", time_ago(moment=row.updated_at), size="1", color=theme.TEXT_MUTED),
            flex="1",
            min_width="0",
        ),
        rx.badge(row.permission, color_scheme="gray", size="1"),
        rx.icon_button(
            rx.icon("copy", size=15),
            variant="ghost",
            color_scheme="gray",
            margin="0",
            aria_label="Duplicate " + row.name,
            title="Duplicate",
            on_click=SharedState.duplicate(row.id),
            data_testid="shared-duplicate",
        ),
        rx.icon_button(
            rx.icon("log-out", size=15),
            variant="ghost",
            color_scheme="gray",
            margin="0",
            aria_label="Leave " + row.name,
            title="Leave",
            on_click=SharedState.ask_to_leave(row.share_id),
            data_testid="shared-leave",
        ),
        gap=theme.SPACE_M,
        align="center",
        padding="10px 14px",
        role="listitem",
        data_testid="shared-row",
    )
