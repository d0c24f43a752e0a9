"""``/executions``: everything that was run, the newest first, kept up to date while one looks."""

import reflex as rx

from awe_app.domain.execution import Status
from awe_app.domain.pages import PageQuery
from awe_app.services import services
from awe_app.ui import routes, theme
from awe_app.ui.components.browser_parts import pulse
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.execution_table import ExecutionRow, execution_table, rows_of
from awe_app.ui.components.pager import pager
from awe_app.ui.components.search_field import search_field
from awe_app.ui.layout import page_body, shell
from awe_app.ui.session import refusals_told, signed_in

PAGE_SIZE = 50
BUSY_PULSE_MS = 1_500
"""How often the list is read while something on it is unfinished."""
IDLE_PULSE_MS = 3_000
ALL = "all"
STATUSES: tuple[Status, ...] = ("running", "waiting", "pending", "completed", "failed", "cancelled")


class ExecutionListState(rx.State):
    """The page of executions that is shown."""

    rows: list[ExecutionRow] = []
    total: int = 0
    query: str = ""
    status: str = ALL
    offset: int = 0
    loaded: bool = False
    pulse_ms: int = 0

    @rx.event
    @refusals_told
    async def load(self):
        """Show the list from its beginning."""
        self.query, self.status, self.offset = "", ALL, 0
        await self._show()

    @rx.event
    @refusals_told
    async def refresh(self):
        """Read the list again; what did not change is not sent."""
        await self._show()

    @rx.event
    @refusals_told
    async def search(self, text: str):
        """Show executions of workflows whose name holds the text."""
        self.query, self.offset = text, 0
        await self._show()

    @rx.event
    @refusals_told
    async def filter_by(self, status: str):
        """Show executions of one status, or ``all``."""
        self.status, self.offset = status, 0
        await self._show()

    @rx.event
    @refusals_told
    async def turn_page(self, step: int):
        """Show the next (1) or the previous (-1) page."""
        self.offset = max(0, self.offset + step * PAGE_SIZE)
        await self._show()

    async def _show(self) -> None:
        user = await signed_in(self)
        status = next((known for known in STATUSES if known == self.status), None)
        page = await services().executions.list(user, PageQuery(PAGE_SIZE, self.offset, self.query), status=status)
        rows = rows_of(page.items)
        pulse_ms = IDLE_PULSE_MS if all(row.ended for row in rows) else BUSY_PULSE_MS
        for name, value in (("rows", rows), ("total", page.total), ("pulse_ms", pulse_ms), ("loaded", True)):
            if getattr(self, name) != value:
                setattr(self, name, value)


def executions() -> rx.Component:
    """The page."""
    nothing_at_all = (
        (ExecutionListState.total == 0) & (ExecutionListState.query == "") & (ExecutionListState.status == ALL)
    )
    return shell(
        page_body(
            rx.cond(
                ExecutionListState.loaded,
                rx.cond(nothing_at_all, _first_time(), _list()),
                skeleton_blocks(8, "44px", columns="1"),
            ),
            pulse(interval_ms=ExecutionListState.pulse_ms, on_pulse=ExecutionListState.refresh),
        ),
        title="Executions",
        section="executions",
    )


def _list() -> rx.Component:
    return rx.fragment(
        rx.flex(
            search_field("Search by workflow", ExecutionListState.search, ExecutionListState.query),
            rx.select.root(
                rx.select.trigger(aria_label="Status", variant="surface", data_testid="status-filter"),
                rx.select.content(
                    rx.select.item("Any status", value=ALL),
                    *[rx.select.item(status.capitalize(), value=status) for status in STATUSES],
                ),
                value=ExecutionListState.status,
                on_change=ExecutionListState.filter_by,
            ),
            gap=theme.SPACE_S,
            align="center",
        ),
        rx.cond(
            ExecutionListState.rows,
            execution_table(ExecutionListState.rows),
            empty_state("search-x", "No execution matches", "Try another word or another status."),
        ),
        pager(ExecutionListState.offset, PAGE_SIZE, ExecutionListState.total, ExecutionListState.turn_page),
    )


def _first_time() -> rx.Component:
    return empty_state(
        "history",
        "Nothing has run yet",
        "Open a workflow and press Run. What it did, step by step, stays here.",
        rx.link(rx.button("To the workflows"), href=routes.WORKFLOWS),
    )
