"""The question before something cannot be taken back."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.shown import Shown


def confirm_dialog(
    *, is_open: Shown[bool], title: Any, text: Any, confirm: str, on_confirm: Any, on_cancel: Any
) -> rx.Component:
    """A dialog that asks; Escape and *Cancel* leave everything as it is."""
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title(title, font_size="var(--font-size-4)"),
            rx.alert_dialog.description(text, font_size="var(--font-size-2)", color=theme.TEXT_MUTED),
            rx.flex(
                rx.alert_dialog.cancel(
                    rx.button("Cancel", variant="soft", color_scheme="gray", on_click=on_cancel),
                ),
                rx.alert_dialog.action(
                    rx.button(confirm, color_scheme="red", on_click=on_confirm, data_testid="confirm"),
                ),
                gap=theme.SPACE_S,
                justify="end",
                margin_top=theme.SPACE_L,
            ),
            max_width="440px",
        ),
        open=is_open,
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), on_cancel),
    )
