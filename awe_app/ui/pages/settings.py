"""``/settings/<section>``: profile, appearance, model providers, secrets."""

from typing import Any

import reflex as rx
from reflex.style import color_mode, set_color_mode

from awe_app.ui import routes, theme
from awe_app.ui.components.secret_list import secret_list
from awe_app.ui.components.settings_section import settings_box, settings_section
from awe_app.ui.layout import page_body, shell
from awe_app.ui.pages.mcp_settings import mcp
from awe_app.ui.pages.settings_models import models
from awe_app.ui.pages.settings_state import ProfileState
from awe_app.ui.session import SessionState

SECTIONS = (
    ("profile", "Profile", "user"),
    ("appearance", "Appearance", "sun-moon"),
    ("models", "Model providers", "cpu"),
    ("secrets", "Secrets", "key-round"),
    ("mcp", "MCP", "plug"),
)


def settings(section: str) -> rx.Component:
    """The page of one section."""
    content = {
        "profile": _profile,
        "appearance": _appearance,
        "models": models,
        "secrets": secret_list,
        "mcp": mcp,
    }[section]
    return shell(
        rx.flex(
            rx.el.nav(
                *[_entry(name, title, icon, name == section) for name, title, icon in SECTIONS],
                aria_label="Settings",
                display="flex",
                flex_direction=["row", "row", "column"],
                gap="2px",
                width=["100%", "100%", "200px"],
                flex_shrink="0",
                overflow_x="auto",
                padding=["8px 12px", "8px 12px", "20px 8px 20px 20px"],
                border_bottom=[theme.BORDER, theme.BORDER, "none"],
            ),
            page_body(*content(), width=theme.READING_WIDTH, flex="1", min_width="0"),
            direction=rx.breakpoints(initial="column", sm="row"),
            max_width="1000px",
            margin="0 auto",
        ),
        title="Settings",
        section="settings",
    )


def _entry(name: str, title: str, icon: str, current: bool) -> rx.Component:
    return rx.link(
        rx.icon(icon, size=16, stroke_width=1.75, custom_attrs={"aria-hidden": "true"}),
        rx.text(title, as_="span", size="2", white_space="nowrap"),
        href=routes.settings(name),
        underline="none",
        display="flex",
        align_items="center",
        gap="10px",
        padding="8px 10px",
        border_radius=theme.RADIUS,
        color=theme.ACCENT_TEXT if current else theme.TEXT_MUTED,
        background=theme.SELECTED if current else "transparent",
        _hover={} if current else {"background": theme.HOVER},
        custom_attrs={"aria-current": "page"} if current else {},
        data_testid=f"settings-{name}",
    )


def _profile() -> list[rx.Component]:
    profile = ProfileState.profile
    return [
        settings_section(
            "Profile",
            "Your account on this server.",
            settings_box(
                rx.data_list.root(
                    _fact("User name", profile.username, "profile-username"),
                    _fact("E-mail", profile.email, "profile-email"),
                    _fact("Member since", profile.since, "profile-since"),
                    size="2",
                ),
                padding=theme.SPACE_M,
            ),
        ),
        rx.button(
            rx.icon("log-out", size=15),
            "Sign out",
            variant="soft",
            color_scheme="gray",
            align_self="start",
            on_click=SessionState.sign_out,
        ),
    ]


def _fact(name: str, value: Any, test_id: str) -> rx.Component:
    return rx.data_list.item(
        rx.data_list.label(name, min_width="110px"),
        rx.data_list.value(rx.text(value, overflow_wrap="anywhere", data_testid=test_id)),
    )


def _appearance() -> list[rx.Component]:
    return [
        settings_section(
            "Appearance",
            "Kept in this browser.",
            rx.radio_cards.root(
                *[
                    rx.radio_cards.item(
                        rx.flex(
                            rx.icon(icon, size=20, stroke_width=1.5), title, gap="10px", align="center", width="100%"
                        ),
                        value=mode,
                        aria_label=title,
                    )
                    for mode, title, icon in (
                        ("light", "Light", "sun"),
                        ("dark", "Dark", "moon"),
                        ("system", "As the system", "monitor"),
                    )
                ],
                value=color_mode,
                on_value_change=lambda mode: set_color_mode(mode),
                columns=rx.breakpoints(initial="1", xs="3"),
            ),
        )
    ]
