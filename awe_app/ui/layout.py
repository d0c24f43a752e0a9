"""The shell around every page: the rail (a bar at the bottom of small screens), the page header, the content."""

from typing import Any

import reflex as rx

from awe_app.ui import routes, theme
from awe_app.ui.components.browser_parts import cookie_watch
from awe_app.ui.session import COOKIE, SessionState
from awe_app.ui.toasts import toast, toast_for

__all__ = ["logo", "page_body", "shell", "theme_toggle", "toast", "toast_for"]

SECTIONS = (
    ("workflows", "Workflows", "workflow", routes.WORKFLOWS),
    ("executions", "Executions", "history", routes.EXECUTIONS),
    ("templates", "Templates", "layout-template", routes.TEMPLATES),
    ("knowledge", "Knowledge", "library", routes.KNOWLEDGE),
    ("settings", "Settings", "settings", routes.SETTINGS),
)


def shell(
    *children: rx.Component,
    title: Any,
    actions: rx.Component | None = None,
    section: str = "",
    header: bool = True,
) -> rx.Component:
    """A whole page.

    Args:
        children: The content. It fills the room below the header and scrolls by itself; use ``page_body`` for
            ordinary pages, nothing for pages that fill the room (the builder).
        title: The heading, a text or a component.
        actions: Buttons at the right of the header.
        section: Which entry of the rail is the present one: ``workflows executions templates knowledge settings``.
        header: False for pages that draw their own header.
    """
    top = (_header(title, actions),) if header else ()
    return rx.flex(
        _skip_link(),
        _rail(section),
        rx.el.main(
            *top,
            rx.box(*children, flex="1", min_height="0", overflow="auto", id="content", tab_index=-1, outline="none"),
            display="flex",
            flex_direction="column",
            flex="1",
            min_width="0",
            min_height="0",
        ),
        cookie_watch(name=COOKIE, known=SessionState.until_close, on_change=SessionState.read_cookie),
        direction=rx.breakpoints(initial="column-reverse", sm="row"),
        width="100%",
        height="100dvh",
        background=theme.BACKGROUND,
        overflow="hidden",
    )


def page_body(*children: rx.Component, width: str = theme.CONTENT_WIDTH, **props: Any) -> rx.Component:
    """The padded, centred column of an ordinary page."""
    return rx.flex(
        *children,
        direction="column",
        gap=theme.SPACE_M,
        width="100%",
        max_width=width,
        margin="0 auto",
        padding=[theme.SPACE_M, theme.SPACE_M, theme.SPACE_L],
        **props,
    )


def logo(size: str = "28px") -> rx.Component:
    """The mark of AWE."""
    return rx.image(src="/logo.svg", alt="AWE", width=size, height=size, flex_shrink="0")


def theme_toggle(**props: Any) -> rx.Component:
    """The switch between light and dark, which every page has."""
    return rx.icon_button(
        rx.color_mode_cond(light=rx.icon("moon", size=18), dark=rx.icon("sun", size=18)),
        on_click=rx.toggle_color_mode,
        variant="ghost",
        color_scheme="gray",
        margin="0",
        size="3",
        aria_label="Switch between light and dark",
        title="Switch between light and dark",
        data_testid="theme-toggle",
        **props,
    )


def _header(title: Any, actions: rx.Component | None) -> rx.Component:
    heading = (
        rx.heading(title, as_="h1", size="4", weight="medium", class_name="cut") if not _is_component(title) else title
    )
    return rx.el.header(
        rx.box(heading, min_width="0", flex="1", overflow="hidden", text_overflow="ellipsis", white_space="nowrap"),
        *([actions] if actions is not None else []),
        display="flex",
        align_items="center",
        gap=theme.SPACE_S,
        height=theme.HEADER_HEIGHT,
        flex_shrink="0",
        padding_x=[theme.SPACE_M, theme.SPACE_M, theme.SPACE_L],
        border_bottom=theme.BORDER,
    )


def _is_component(title: Any) -> bool:
    return isinstance(title, rx.Component)


def _skip_link() -> rx.Component:
    return rx.link(
        "Skip to content",
        href="#content",
        position="absolute",
        left="-9999px",
        z_index="100",
        _focus={"left": theme.SPACE_S, "top": theme.SPACE_S, "background": theme.PANEL, "padding": theme.SPACE_S},
    )


def _rail(section: str) -> rx.Component:
    """One element for both shapes, so that each entry is in the page once."""
    return rx.el.nav(
        rx.link(
            logo(),
            href=routes.WORKFLOWS,
            aria_label="AWE, to the workflows",
            display=theme.DESKTOP,
            justify_content="center",
            padding="8px 0 14px",
        ),
        *[_rail_entry(*entry, current=entry[0] == section) for entry in SECTIONS],
        rx.box(flex="1", display=theme.DESKTOP),
        rx.center(theme_toggle(), min_height="44px", flex=["0 0 38px", "0 0 44px", "0 0 auto"]),
        rx.center(_user_menu(), min_height="44px", flex=["0 0 38px", "0 0 44px", "0 0 auto"]),
        aria_label="Main",
        display="flex",
        flex_direction=["row", "row", "column"],
        align_items="stretch",
        gap="2px",
        flex_shrink="0",
        width=["100%", "100%", theme.RAIL_WIDTH],
        height=[theme.BAR_HEIGHT, theme.BAR_HEIGHT, "100%"],
        padding=["0 4px", "0 4px", "8px 6px"],
        border_right=["none", "none", theme.BORDER],
        border_top=[theme.BORDER, theme.BORDER, "none"],
        background=theme.SUNKEN,
        z_index="10",
    )


def _rail_entry(name: str, title: str, icon: str, href: str, current: bool) -> rx.Component:
    return rx.link(
        rx.icon(icon, size=19, stroke_width=1.75, aria_hidden="true"),
        rx.text(title, as_="span", size="1", font_size="10px", line_height="1", letter_spacing="0"),
        href=href,
        underline="none",
        display="flex",
        flex_direction="column",
        align_items="center",
        justify_content="center",
        gap="5px",
        flex=["1", "1", "0 0 auto"],
        min_height="52px",
        border_radius=theme.RADIUS,
        _hover={} if current else {"background": theme.HOVER, "color": theme.TEXT},
        data_testid=f"nav-{name}",
        custom_attrs={"aria-current": "page"} if current else {},
        color=theme.ACCENT_TEXT if current else theme.TEXT_MUTED,
        background=theme.SELECTED if current else "transparent",
    )


def _user_menu() -> rx.Component:
    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.el.button(
                rx.avatar(fallback=SessionState.username[:1].upper(), size="2", radius="full"),
                aria_label="Account",
                data_testid="user-menu",
                background="none",
                border="none",
                padding="0",
                border_radius="50%",
                cursor="pointer",
            ),
        ),
        rx.dropdown_menu.content(
            rx.box(
                rx.text(
                    SessionState.username, size="2", color=theme.TEXT_MUTED, class_name="cut", data_testid="user-name"
                ),
                max_width="220px",
                padding="4px 12px",
            ),
            rx.dropdown_menu.separator(),
            rx.dropdown_menu.item(
                rx.icon("user", size=14), "Profile", on_select=rx.redirect(routes.settings("profile"))
            ),
            rx.dropdown_menu.item(
                rx.icon("log-out", size=14),
                "Sign out",
                color_scheme="red",
                on_select=SessionState.sign_out,
                data_testid="sign-out",
            ),
            side="right",
            align="end",
        ),
    )
