"""The frame around the sign-in pages: the mark, a heading, the form, a way to the other page."""

from typing import Any, Literal

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.form_field import described_by, form_field
from awe_app.ui.layout import logo, theme_toggle
from awe_app.ui.shown import Shown


def sign_in_page(*form: rx.Component, title: str, subtitle: str, footer: rx.Component) -> rx.Component:
    """A page with one card in the middle."""
    return rx.el.main(
        rx.box(theme_toggle(), position="absolute", top=theme.SPACE_M, right=theme.SPACE_M),
        rx.flex(
            rx.flex(
                logo("40px"),
                rx.heading(title, as_="h1", size="5", weight="medium", margin_top=theme.SPACE_S),
                rx.text(subtitle, size="2", color=theme.TEXT_MUTED, text_align="center", text_wrap="balance"),
                direction="column",
                align="center",
                gap="6px",
            ),
            rx.box(
                *form,
                padding=theme.SPACE_L,
                border=theme.BORDER,
                border_radius=theme.RADIUS_LARGE,
                background=theme.PANEL,
                box_shadow=theme.SHADOW_RAISED,
                width="100%",
            ),
            footer,
            direction="column",
            align="center",
            gap=theme.SPACE_L,
            width="100%",
            max_width="380px",
        ),
        display="flex",
        flex_direction="column",
        align_items="center",
        justify_content=["start", "start", "center"],
        min_height="100dvh",
        padding=["72px 16px 32px", "72px 16px 32px", theme.SPACE_XL],
        background=theme.SUNKEN,
        position="relative",
    )


def account_field(
    label: str,
    name: str,
    *,
    form: str,
    error: Any,
    autocomplete: str,
    kind: Literal["text", "email", "password"] = "text",
    hint: str = "",
    **props: Any,
) -> rx.Component:
    """A text field of the sign-in forms; its test id is ``<form>-<name>``."""
    field_id = f"{form}-{name}"
    return form_field(
        label,
        rx.input(
            name=name,
            id=field_id,
            type=kind,
            size="3",
            width="100%",
            auto_complete=autocomplete,
            color_scheme=rx.cond(error, "red", theme.ACCENT_COLOR),
            variant="surface",
            data_testid=field_id,
            custom_attrs=described_by(field_id, error),
            **props,
        ),
        name=field_id,
        hint=hint,
        error=error,
    )


def submit_button(text: str, *, busy: Shown[bool], test_id: str) -> rx.Component:
    """The form's button; it waits for the page to be alive, so that no browser sends the form by itself."""
    return rx.button(
        text,
        type="submit",
        size="3",
        width="100%",
        loading=busy,
        disabled=rx.cond(rx.State.is_hydrated, False, True),
        data_testid=test_id,
    )


def other_page(question: str, link: str, href: Any) -> rx.Component:
    """The line under the card that leads to the other sign-in page."""
    return rx.text(question, " ", rx.link(link, href=href, weight="medium"), size="2", color=theme.TEXT_MUTED)
