"""What a list shows when there is nothing in it, and while it is loading."""

from typing import Any

import reflex as rx

from awe_app.ui import theme


def empty_state(
    icon: str,
    title: Any,
    text: Any,
    *actions: rx.Component,
    padding: str = "clamp(40px, 12vh, 120px) 16px 40px",
    **props: Any,
) -> rx.Component:
    """An icon, what is (not) here, and what to do about it."""
    return rx.flex(
        rx.center(
            rx.icon(icon, size=22, stroke_width=1.5, aria_hidden="true"),
            width="48px",
            height="48px",
            border_radius=theme.RADIUS_LARGE,
            border=theme.BORDER,
            background=theme.SUNKEN,
            color=theme.TEXT_MUTED,
        ),
        rx.heading(title, as_="h2", size="3", weight="medium"),
        rx.text(text, size="2", color=theme.TEXT_MUTED, max_width="44ch", text_wrap="balance"),
        *([rx.flex(*actions, gap=theme.SPACE_S, wrap="wrap", justify="center", margin_top="4px")] if actions else []),
        direction="column",
        align="center",
        gap="10px",
        text_align="center",
        padding=padding,
        **props,
    )


def skeleton_blocks(count: int, height: str, **grid: Any) -> rx.Component:
    """Grey blocks where cards or rows will be."""
    return rx.grid(
        *[rx.skeleton(rx.box(height=height), height=height, width="100%") for _ in range(count)],
        gap=theme.SPACE_M,
        width="100%",
        aria_busy="true",
        aria_label="Loading",
        role="status",
        **grid,
    )
