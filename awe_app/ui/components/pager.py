"""Back and forth through a long list."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.shown import Shown


def pager(offset: Shown[int], size: int, total: Shown[int], on_turn: Any) -> rx.Component:
    """``1–24 of 500`` with two buttons; nothing where one page is enough. ``on_turn`` takes 1 or -1."""
    last = rx.cond(offset + size < total, offset + size, total)
    return rx.cond(
        total > size,
        rx.flex(
            rx.text(
                f"{offset + 1}–{last} of {total}", size="2", color=theme.TEXT_MUTED, role="status", data_testid="pager"
            ),
            _turn("chevron-left", "Previous page", offset == 0, on_turn(-1)),
            _turn("chevron-right", "Next page", offset + size >= total, on_turn(1)),
            align="center",
            justify="end",
            gap=theme.SPACE_S,
        ),
    )


def _turn(icon: str, title: str, disabled: Any, event: Any) -> rx.Component:
    return rx.icon_button(
        rx.icon(icon, size=16),
        variant="soft",
        color_scheme="gray",
        size="2",
        disabled=disabled,
        aria_label=title,
        on_click=event,
    )
