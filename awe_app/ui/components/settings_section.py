"""The parts that every section of the settings is made of."""

from typing import Any

import reflex as rx

from awe_app.ui import theme


def settings_section(
    title: str, text: Any, *children: rx.Component, action: rx.Component | None = None
) -> rx.Component:
    """A heading, what it is about, and what belongs to it."""
    return rx.el.section(
        rx.flex(
            rx.box(
                rx.heading(title, as_="h2", size="3", weight="medium"),
                rx.text(text, size="2", color=theme.TEXT_MUTED),
                flex="1",
            ),
            *([action] if action else []),
            align="start",
            gap=theme.SPACE_M,
            margin_bottom="12px",
        ),
        *children,
        margin_bottom=theme.SPACE_M,
    )


def settings_box(*children: rx.Component, **props: Any) -> rx.Component:
    """A framed surface."""
    return rx.box(
        *children,
        border=theme.BORDER,
        border_radius=theme.RADIUS_LARGE,
        background=theme.PANEL,
        overflow="hidden",
        **props,
    )
