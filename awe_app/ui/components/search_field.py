"""The search field above lists."""

from typing import Any

import reflex as rx

from awe_app.ui.shown import Shown

DEBOUNCE_MS = 250


def search_field(label: str, on_search: Any, value: Shown[str], **props: Any) -> rx.Component:
    """Calls ``on_search(text)`` a moment after the last key."""
    return rx.box(
        rx.debounce_input(
            rx.input(
                rx.input.slot(rx.icon("search", size=15, custom_attrs={"aria-hidden": "true"})),
                value=value,
                on_change=on_search,
                placeholder=label,
                aria_label=label,
                type="search",
                size="2",
                width="100%",
                data_testid="search",
            ),
            debounce_timeout=DEBOUNCE_MS,
        ),
        flex="1 1 220px",
        max_width="360px",
        **props,
    )
