"""A labelled input with its hint, and its error beside it."""

from typing import Any

import reflex as rx

from awe_app.ui import theme


def form_field(label: str, control: rx.Component, *, name: str, hint: Any = "", error: Any = "") -> rx.Component:
    """Wrap a control whose ``id`` is ``name``; errors and hints get ids that ``described_by`` names."""
    return rx.flex(
        rx.el.label(
            rx.text(label, as_="span", size="2", weight="medium"), html_for=name, display="block", line_height="1"
        ),
        control,
        rx.cond(
            error,
            rx.text(error, id=f"{name}-error", size="1", color=theme.DANGER_TEXT, role="alert"),
            rx.cond(hint, rx.text(hint, id=f"{name}-hint", size="1", color=theme.TEXT_MUTED)),
        ),
        direction="column",
        gap="7px",
        width="100%",
    )


def described_by(name: str, error: Any) -> dict[str, Any]:
    """The ARIA attributes that tie a control to its error or hint."""
    return {
        "aria-invalid": rx.cond(error, "true", "false"),
        "aria-describedby": rx.cond(error, f"{name}-error", f"{name}-hint"),
    }
