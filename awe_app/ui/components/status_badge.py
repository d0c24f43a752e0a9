"""How the status of an execution or a node is drawn: colour, icon and word."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.shown import Shown


def status_icon(status: Shown[str], size: int = 14) -> Any:
    """The icon of a status; it turns while running."""
    return rx.match(
        status,
        *[(name, _icon(icon, size, name == "running")) for name, icon in theme.STATUS_ICONS.items()],
        _icon("circle-dashed", size, False),
    )


def status_badge(status: Shown[str], **props: Any) -> rx.Component:
    """Icon and word on the status's colour."""
    return rx.badge(
        status_icon(status, 12),
        rx.text(status.capitalize(), as_="span"),
        color_scheme=theme.status_color(status),
        variant="soft",
        radius="full",
        size="1",
        data_status=status,
        **props,
    )


def status_dot(status: Shown[str]) -> rx.Component:
    """A dot in the status's colour, for strips of last runs."""
    return rx.box(
        width="7px",
        height="7px",
        border_radius="50%",
        background=theme.solid(theme.status_color(status)),
        title=status,
        role="img",
        aria_label=status,
        flex_shrink="0",
    )


def _icon(name: str, size: int, turning: bool) -> rx.Component:
    return rx.icon(
        name, size=size, class_name="turning" if turning else "", flex_shrink="0", custom_attrs={"aria-hidden": "true"}
    )
