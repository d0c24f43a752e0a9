"""``/templates``: the gallery of workflows to start from. Its state serves the empty list of workflows too."""

import reflex as rx

from awe_app.domain.pages import PageQuery
from awe_app.services import services
from awe_app.ui import routes, theme
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.search_field import search_field
from awe_app.ui.components.template_card import TemplateCard, cards_of, template_card
from awe_app.ui.layout import page_body, shell
from awe_app.ui.session import refusals_told, signed_in
from awe_app.ui.shown import Shown

COLUMNS = rx.breakpoints(initial="1", xs="2", md="3")


class TemplateGalleryState(rx.State):
    """The templates that match."""

    cards: list[TemplateCard] = []
    categories: list[str] = []
    category: str = ""
    query: str = ""
    loaded: bool = False
    using: str = ""
    """Id of the template a workflow is being made of."""

    @rx.event
    @refusals_told
    async def load(self):
        """Show the gallery from its beginning."""
        await signed_in(self)
        self.query = self.category = self.using = ""
        await self._show()

    @rx.event
    @refusals_told
    async def search(self, text: str):
        """Show the templates that hold the text."""
        await signed_in(self)
        self.query = text
        await self._show()

    @rx.event
    @refusals_told
    async def choose_category(self, category: str):
        """Show one category, or all for an empty one."""
        await signed_in(self)
        self.category = category
        await self._show()

    @rx.event
    @refusals_told
    async def use(self, template_id: str):
        """Make a workflow of the template and open it."""
        user = await signed_in(self)
        self.using = template_id
        yield
        try:
            stored = await services().templates.use(user, template_id)
        finally:
            self.using = ""
        yield rx.redirect(routes.workflow(stored.id))

    async def _show(self) -> None:
        page = await services().templates.list(PageQuery(limit=200, q=self.query))
        everything = await services().templates.list(PageQuery(limit=200))
        self.categories = sorted({template.category for template in everything.items})
        self.cards = cards_of(t for t in page.items if self.category in ("", t.category))
        self.loaded = True


def templates() -> rx.Component:
    """The page."""
    return shell(
        page_body(
            rx.flex(
                search_field("Search templates", TemplateGalleryState.search, TemplateGalleryState.query),
                rx.flex(
                    _category("", "All"),
                    rx.foreach(TemplateGalleryState.categories, lambda name: _category(name, name)),
                    gap="6px",
                    wrap="wrap",
                    role="group",
                    aria_label="Categories",
                ),
                gap=theme.SPACE_M,
                align="center",
                wrap="wrap",
            ),
            rx.cond(
                TemplateGalleryState.loaded,
                rx.cond(TemplateGalleryState.cards, template_grid("Use"), _nothing_found()),
                skeleton_blocks(3, "270px", columns=COLUMNS),
            ),
        ),
        title="Templates",
        section="templates",
    )


def template_grid(verb: str) -> rx.Component:
    """The cards of the gallery."""
    return rx.grid(
        rx.foreach(
            TemplateGalleryState.cards,
            lambda card: template_card(card, use=TemplateGalleryState.use, busy=TemplateGalleryState.using, verb=verb),
        ),
        columns=COLUMNS,
        gap=theme.SPACE_M,
        width="100%",
        role="list",
        aria_label="Templates",
    )


def _nothing_found() -> rx.Component:
    return empty_state(
        "search-x",
        "No template matches",
        "Try another word, or look at all of them.",
        rx.button("Show all", variant="soft", on_click=TemplateGalleryState.load),
    )


def _category(name: Shown[str], title: Shown[str]) -> rx.Component:
    chosen = TemplateGalleryState.category == name
    return rx.button(
        title,
        size="1",
        radius="full",
        variant=rx.cond(chosen, "solid", "soft"),
        color_scheme=rx.cond(chosen, theme.ACCENT_COLOR, "gray"),
        on_click=TemplateGalleryState.choose_category(name),
        custom_attrs={"aria-pressed": rx.cond(chosen, "true", "false")},
    )
