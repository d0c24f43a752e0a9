"""What stands where no page is."""

import reflex as rx

from awe_app.ui import routes
from awe_app.ui.components.empty_state import empty_state
from awe_app.ui.layout import page_body, shell


def not_found() -> rx.Component:
    """The page for addresses that lead nowhere."""
    return shell(
        page_body(
            empty_state(
                "map",
                "There is no page here",
                "The address may be mistyped, or what it showed has been deleted.",
                rx.link(rx.button("To the workflows"), href=routes.WORKFLOWS),
            )
        ),
        title="Not found",
    )
