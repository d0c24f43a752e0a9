"""How a template is offered: drawing, name, what it does, one button."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.services.templates import Template
from awe_app.ui import theme
from awe_app.ui.components.thumbnail import thumbnail, thumbnail_svg
from awe_app.ui.shown import Shown


@dataclass(frozen=True)
class TemplateCard:
    """What the card of one template shows."""

    id: str
    name: str
    description: str
    category: str
    drawing: str


def cards_of(templates: Iterable[Template]) -> list[TemplateCard]:
    """The cards of some templates."""
    return [TemplateCard(t.id, t.name, t.description, t.category, thumbnail_svg(t.workflow, 2.4)) for t in templates]


def template_card(card: Shown[TemplateCard], *, use: Any, busy: Shown[str], verb: str) -> rx.Component:
    """One card. ``use`` makes a workflow of it; ``busy`` is the id of the template that is being used."""
    return rx.flex(
        thumbnail(card.drawing, height="140px"),
        rx.flex(
            rx.flex(
                rx.heading(card.name, as_="h3", size="2", weight="medium", trim="both", flex="1", min_width="0"),
                rx.badge(card.category, color_scheme="gray", size="1", variant="soft"),
                align="center",
                gap=theme.SPACE_S,
            ),
            rx.text(card.description, size="2", color=theme.TEXT_MUTED, flex="1"),
            rx.button(
                verb,
                rx.icon("arrow-right", size=14),
                variant="soft",
                size="2",
                align_self="start",
                loading=busy == card.id,
                on_click=use(card.id),
                aria_label=verb + ": " + card.name,
                data_testid="template-use",
                data_template=card.id,
            ),
            direction="column",
            gap="10px",
            padding="14px",
            flex="1",
        ),
        direction="column",
        border=theme.BORDER,
        border_radius=theme.RADIUS_LARGE,
        background=theme.PANEL,
        overflow="hidden",
        class_name="card",
        data_testid="template-card",
        role="listitem",
    )
