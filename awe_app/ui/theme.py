"""How AWE looks: names for colours, spaces and fonts.

Components use these names, never literals. All colours are Radix variables, so light and dark need no code;
``canvas.jsx`` uses the same variables.
"""

from typing import Any

import reflex as rx

ACCENT_COLOR = "iris"
GRAY_COLOR = "slate"

BACKGROUND = "var(--color-background)"
PANEL = "var(--color-panel-solid)"
SUNKEN = "var(--gray-2)"
WELL = "var(--gray-a2)"
"""Behind values and code, on any surface."""
HOVER = "var(--gray-3)"
SELECTED = "var(--accent-3)"
OVERLAY = "var(--color-overlay)"

BORDER_COLOR = "var(--gray-5)"
BORDER = "1px solid var(--gray-5)"
BORDER_STRONG = "1px solid var(--gray-7)"
BORDER_DASHED = "1px dashed var(--gray-7)"
BORDER_SELECTED = "1px solid var(--accent-8)"

TEXT = "var(--gray-12)"
TEXT_MUTED = "var(--gray-11)"
ACCENT = "var(--accent-9)"
ACCENT_TEXT = "var(--accent-11)"
DANGER_TEXT = "var(--red-11)"
FOCUS_RING = "2px solid var(--focus-8)"

SHADOW = "0 1px 2px var(--black-a2)"
SHADOW_RAISED = "0 2px 6px var(--black-a3), 0 12px 32px -12px var(--black-a5)"
RADIUS = "var(--radius-3)"
RADIUS_LARGE = "var(--radius-4)"

FONT = (
    'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", '
    '"Liberation Sans", Arial, sans-serif, "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji"'
)
MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace'

SPACE_XS = "4px"
SPACE_S = "8px"
SPACE_M = "16px"
SPACE_L = "24px"
SPACE_XL = "40px"
RAIL_WIDTH = "72px"
BAR_HEIGHT = "56px"
HEADER_HEIGHT = "56px"
CONTENT_WIDTH = "1200px"
READING_WIDTH = "720px"

PHONE = ["flex", "flex", "none"]
"""``display`` of what only small screens show."""
DESKTOP = ["none", "none", "flex"]
"""``display`` of what small screens hide."""

STATUS_COLORS: dict[str, str] = {
    "idle": "gray",
    "pending": "gray",
    "running": "blue",
    "waiting": "amber",
    "completed": "green",
    "failed": "red",
    "cancelled": "orange",
    "skipped": "gray",
}
"""Radix colour scale for each status of an execution or a node."""

STATUS_ICONS: dict[str, str] = {
    "pending": "circle-dashed",
    "running": "loader-circle",
    "waiting": "circle-pause",
    "completed": "circle-check",
    "failed": "circle-x",
    "cancelled": "circle-slash",
    "skipped": "circle-minus",
}
"""Lucide icon for each status, so that colour is never the only sign."""

CATEGORY_COLORS: dict[str, str] = {
    "AI": "iris",
    "Logic": "amber",
    "Data": "cyan",
    "Flow": "green",
    "People": "pink",
    "Notes": "gray",
}
"""Radix colour scale for each category of node types."""


def status_color(status: rx.Var[str] | str) -> Any:
    """The colour scale of a status, such as ``green``, for a component's ``color_scheme``."""
    if isinstance(status, str):
        return STATUS_COLORS.get(status, "gray")
    return rx.match(status, *STATUS_COLORS.items(), "gray")


def solid(color: rx.Var[str] | str) -> Any:
    """The strong step of a colour scale as a CSS value: dots, rings, bars."""
    return f"var(--{color}-9)"


def app_look() -> dict[str, Any]:
    """What ``rx.App`` is given for its looks: ``rx.App(**theme.app_look(), …)``."""
    return {
        "stylesheets": ["/awe.css", "/agents.css"],
        "html_lang": "en",
        "toaster": rx.toast.provider(
            position="bottom-right", close_button=True, expand=False, rich_colors=True, visible_toasts=3
        ),
        "style": {"font_family": FONT, "::selection": {"background_color": "var(--accent-5)"}},
    }
