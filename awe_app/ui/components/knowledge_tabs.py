"""The two halves of what AWE knows: the user's documents, and what agents remember."""

import reflex as rx

from awe_app.ui import routes, theme

TABS = (("collections", "Collections", routes.KNOWLEDGE), ("memories", "Memories", routes.MEMORIES))


def knowledge_tabs(current: str) -> rx.Component:
    """Links to both pages; ``current`` is ``collections`` or ``memories``."""
    return rx.el.nav(
        *[_tab(name, title, href, name == current) for name, title, href in TABS],
        aria_label="Knowledge",
        display="flex",
        gap="4px",
        border_bottom=theme.BORDER,
    )


def _tab(name: str, title: str, href: str, current: bool) -> rx.Component:
    return rx.link(
        title,
        href=href,
        underline="none",
        size="2",
        weight="medium" if current else "regular",
        padding="8px 10px 10px",
        margin_bottom="-1px",
        border_bottom=f"2px solid {theme.ACCENT if current else 'transparent'}",
        color=theme.TEXT if current else theme.TEXT_MUTED,
        _hover={"color": theme.TEXT},
        custom_attrs={"aria-current": "page"} if current else {},
        data_testid=f"knowledge-{name}",
    )
