"""The dialogs of the settings under MCP: one server, and the choice of its tools."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.form_field import form_field
from awe_app.ui.pages.mcp_settings_state import McpFormState, McpState, McpToolsState, ToolRow
from awe_app.ui.shown import Shown


def server_form() -> rx.Component:
    """Adds or changes a server."""
    row = McpFormState.row
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(rx.cond(row.id, "Edit server", "Add an MCP server"), font_size="var(--font-size-4)"),
            rx.dialog.description(
                "Agents use the tools you choose afterwards.", font_size="var(--font-size-2)", color=theme.TEXT_MUTED
            ),
            rx.form.root(
                rx.flex(
                    form_field("Name", _input("name", row.name, placeholder="Docs"), name="mcp-name"),
                    form_field(
                        "Address",
                        _input("url", row.url, placeholder="https://tools.example.org/mcp", spell_check=False),
                        name="mcp-url",
                        hint=rx.cond(
                            McpState.programs, "Streamable HTTP, or one of " + McpState.programs, "Streamable HTTP."
                        ),
                    ),
                    form_field(
                        "Secret",
                        _input("auth_value", "", placeholder=row.secret, type="password", auto_complete="off"),
                        name="mcp-auth_value",
                        hint="A token, if it wants one. It is stored sealed, and forgotten when the address changes.",
                    ),
                    form_field("Header for it", _input("auth_header", row.header), name="mcp-auth_header"),
                    _switch("enabled", "Agents may use it", row.enabled),
                    _switch("trusts_read_only", "Tools that it says only read need no approval", row.trusts),
                    _problem(McpFormState.problem),
                    rx.flex(
                        rx.cond(
                            row.id,
                            rx.button(
                                "Remove",
                                type="button",
                                variant="ghost",
                                color_scheme="red",
                                margin="0",
                                on_click=McpFormState.remove,
                                data_testid="mcp-remove",
                            ),
                        ),
                        rx.spacer(),
                        rx.button(
                            "Cancel", type="button", variant="soft", color_scheme="gray", on_click=McpFormState.close
                        ),
                        rx.button("Save", type="submit", loading=McpFormState.busy, data_testid="mcp-save"),
                        gap=theme.SPACE_S,
                        align="center",
                    ),
                    direction="column",
                    gap=theme.SPACE_M,
                    margin_top=theme.SPACE_M,
                ),
                on_submit=McpFormState.save,
                no_validate=True,
            ),
            max_width="460px",
        ),
        open=McpFormState.is_open,
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), McpFormState.close()),
    )


def tools_dialog() -> rx.Component:
    """Chooses among the tools that a server offers."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Tools of " + McpToolsState.server_id, font_size="var(--font-size-4)"),
            rx.dialog.description(
                "The words are the server's own, and models will read those of the tools you choose.",
                font_size="var(--font-size-2)",
                color=theme.TEXT_MUTED,
            ),
            rx.box(
                rx.foreach(McpToolsState.tools, _tool),
                max_height="50vh",
                overflow_y="auto",
                margin_top=theme.SPACE_M,
                class_name="rows",
                role="list",
                aria_label="Tools",
            ),
            _problem(McpToolsState.problem),
            rx.flex(
                rx.button("Cancel", variant="soft", color_scheme="gray", on_click=McpToolsState.close),
                rx.button(
                    "Save", on_click=McpToolsState.save, loading=McpToolsState.busy, data_testid="mcp-tools-save"
                ),
                gap=theme.SPACE_S,
                justify="end",
                margin_top=theme.SPACE_M,
            ),
            max_width="560px",
        ),
        open=McpToolsState.server_id != "",
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), McpToolsState.close()),
    )


def _tool(row: Shown[ToolRow]) -> rx.Component:
    return rx.flex(
        rx.checkbox(
            checked=row.chosen,
            on_change=lambda chosen: McpToolsState.choose(row.name, chosen),
            disabled=row.problem != "",
            aria_label=row.name,
        ),
        rx.box(
            rx.flex(
                rx.text(row.name, size="2", weight="medium", overflow_wrap="anywhere"),
                rx.cond(row.reads, rx.badge("Only reads", color_scheme="gray", size="1")),
                rx.cond(row.changed, rx.badge("Changed", color_scheme="red", size="1")),
                gap="8px",
                align="center",
                wrap="wrap",
            ),
            rx.text(
                rx.cond(row.problem, "It cannot be used: " + row.problem, row.description),
                size="1",
                color=theme.TEXT_MUTED,
                white_space="pre-wrap",
                overflow_wrap="anywhere",
            ),
            min_width="0",
        ),
        gap="12px",
        padding="10px 4px",
        role="listitem",
        data_testid="mcp-tool",
    )


def _switch(name: str, text: str, on: Shown[bool]) -> rx.Component:
    return rx.text(
        rx.flex(rx.switch(name=name, default_checked=on, size="1"), text, gap="8px", align="center"),
        as_="label",
        size="2",
    )


def _problem(text: Shown[str]) -> rx.Component:
    return rx.cond(text, rx.callout(text, icon="circle-alert", color_scheme="red", size="1", role="alert"))


def _input(name: str, value: Any, **props: Any) -> rx.Component:
    return rx.input(
        name=name,
        id=f"mcp-{name}",
        default_value=value,
        width="100%",
        data_testid=f"mcp-{name}",
        custom_attrs={"aria-describedby": f"mcp-{name}-hint"},
        **props,
    )
