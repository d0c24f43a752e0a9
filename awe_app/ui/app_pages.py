"""Every page of AWE, put into the app; what this module does not import is not compiled."""

import reflex as rx


def add_pages(app: rx.App) -> None:
    """Register all pages."""
