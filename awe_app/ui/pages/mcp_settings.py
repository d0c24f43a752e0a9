"""``/settings/mcp``: servers whose tools agents use, and the workflows that other programs may call."""

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.mcp_dialogs import server_form, tools_dialog
from awe_app.ui.components.settings_section import settings_box, settings_section
from awe_app.ui.pages.mcp_settings_state import McpFormState, McpRow, McpState, OfferRow
from awe_app.ui.shown import Shown


def mcp() -> list[rx.Component]:
    """The section's content."""
    return [
        settings_section(
            "MCP servers",
            "Tools of other programs, for your agents. What a server says of its tools was written by others: you "
            "choose them one by one, and one that changes is off until you look again.",
            rx.cond(
                McpState.loaded,
                settings_box(
                    rx.cond(
                        McpState.servers,
                        rx.box(
                            rx.foreach(McpState.servers, _server),
                            class_name="rows",
                            role="list",
                            aria_label="MCP servers",
                        ),
                        empty_state(
                            "plug",
                            "No servers yet",
                            "Add one by its address, then choose its tools.",
                            padding="32px 16px",
                        ),
                    )
                ),
                skeleton_blocks(1, "64px", columns="1"),
            ),
            action=rx.button(rx.icon("plus", size=15), "Add", on_click=McpFormState.begin, data_testid="mcp-add"),
        ),
        settings_section(
            "Your workflows as tools",
            "Programs that speak MCP can run these in your name. A call starts an execution and waits for its result.",
            settings_box(
                rx.cond(
                    McpState.workflows,
                    rx.box(
                        rx.foreach(McpState.workflows, _offer),
                        class_name="rows",
                        role="list",
                        aria_label="Workflows",
                        max_height="320px",
                        overflow_y="auto",
                    ),
                    rx.text("You have no workflows yet.", size="2", color=theme.TEXT_MUTED, padding="12px 14px"),
                )
            ),
        ),
        settings_section(
            "Connect a program",
            "Give it this address and an API key of yours, in place of the dots.",
            rx.el.pre(
                '{"mcpServers": {"awe": {\n  "url": "',
                McpState.endpoint,
                '",\n  "headers": {"Authorization": "Bearer …"}\n}}}',
                font_family="var(--code-font-family)",
                font_size="var(--font-size-1)",
                line_height="1.6",
                padding="12px 14px",
                border=theme.BORDER,
                border_radius=theme.RADIUS_LARGE,
                background=theme.PANEL,
                overflow_x="auto",
                margin="0",
                tab_index=0,
                aria_label="What to paste",
                data_testid="mcp-snippet",
            ),
        ),
        server_form(),
        tools_dialog(),
    ]


def _server(row: Shown[McpRow]) -> rx.Component:
    outcome = McpState.outcomes[row.id]
    return rx.flex(
        rx.flex(
            rx.flex(
                rx.text(row.name, weight="medium", size="2", class_name="cut"),
                rx.cond(row.enabled, rx.fragment(), rx.badge("Off", color_scheme="amber", size="1")),
                align="center",
                gap="8px",
                min_width="0",
            ),
            rx.text(row.url, size="1", color=theme.TEXT_MUTED, class_name="cut"),
            rx.text(
                rx.cond(row.tools, "Tools: " + row.tools, "No tools chosen yet"),
                size="1",
                color=theme.TEXT_MUTED,
                overflow_wrap="anywhere",
            ),
            rx.cond(
                row.changed,
                rx.text(
                    "Changed, and off until you choose again: " + row.changed,
                    size="1",
                    color=theme.DANGER_TEXT,
                    role="status",
                    overflow_wrap="anywhere",
                ),
            ),
            rx.cond(
                outcome,
                rx.text(
                    outcome,
                    size="1",
                    color=rx.cond(outcome.startswith("Answered"), "var(--green-11)", theme.DANGER_TEXT),
                    role="status",
                    overflow_wrap="anywhere",
                ),
            ),
            direction="column",
            gap="4px",
            min_width="0",
            flex="1 1 240px",
        ),
        rx.flex(
            rx.button(
                "Tools",
                variant="soft",
                color_scheme="gray",
                loading=McpState.testing == row.id,
                on_click=McpState.look(row.id),
                aria_label="Tools of " + row.name,
                data_testid="mcp-tools",
            ),
            rx.button(
                "Edit",
                variant="soft",
                color_scheme="gray",
                on_click=McpFormState.edit(row.id),
                aria_label="Edit " + row.name,
                data_testid="mcp-edit",
            ),
            gap=theme.SPACE_S,
        ),
        align="center",
        gap=theme.SPACE_M,
        wrap="wrap",
        padding="12px 14px",
        data_testid="mcp-row",
        role="listitem",
    )


def _offer(row: Shown[OfferRow]) -> rx.Component:
    return rx.box(
        rx.text(
            rx.flex(
                rx.switch(checked=row.offered, on_change=lambda offered: McpState.offer(row.id, offered), size="1"),
                rx.text(row.name, as_="span", class_name="cut"),
                gap="10px",
                align="center",
            ),
            as_="label",
            size="2",
        ),
        padding="10px 14px",
        role="listitem",
        data_testid="mcp-workflow",
    )
