"""The dialog that shares a workflow: with whom, what they may do, and who has it already."""

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.browser_parts import time_ago
from awe_app.ui.components.form_field import form_field
from awe_app.ui.pages.share_state import ShareRow, ShareState
from awe_app.ui.shown import Shown

PERMISSIONS = (("view", "May view"), ("run", "May run"), ("edit", "May edit"))
BELOW_LABEL = "25px"
"""Brings what has no label onto the line of the field that has one."""


def share_dialog() -> rx.Component:
    """The dialog; ``ShareState.show(workflow_id)`` opens it."""
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(
                "Share “" + ShareState.name + "”", font_size="var(--font-size-4)", overflow_wrap="anywhere"
            ),
            rx.dialog.description(
                "They run it with their own models and keys. Who may edit it decides what it does when you run it.",
                font_size="var(--font-size-2)",
                color=theme.TEXT_MUTED,
            ),
            _form(),
            rx.cond(
                ShareState.rows,
                rx.box(
                    rx.foreach(ShareState.rows, _row),
                    max_height="40vh",
                    overflow_y="auto",
                    margin_top=theme.SPACE_M,
                    class_name="rows",
                    role="list",
                    aria_label="Shared with",
                ),
                rx.text("Nobody else has it yet.", size="2", color=theme.TEXT_MUTED, margin_top=theme.SPACE_M),
            ),
            rx.flex(
                rx.button("Done", variant="soft", color_scheme="gray", on_click=ShareState.close),
                justify="end",
                margin_top=theme.SPACE_M,
            ),
            max_width="480px",
        ),
        open=ShareState.workflow_id != "",
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), ShareState.close()),
    )


def _form() -> rx.Component:
    return rx.form.root(
        rx.flex(
            form_field(
                "Name or e-mail",
                rx.input(name="user", id="share-user", auto_complete="off", max_length=320, data_testid="share-user"),
                name="share-user",
                error=ShareState.problem,
            ),
            rx.select.root(
                rx.select.trigger(
                    aria_label="What they may do", margin_top=BELOW_LABEL, data_testid="share-permission"
                ),
                rx.select.content(*[rx.select.item(title, value=value) for value, title in PERMISSIONS]),
                name="permission",
                default_value="view",
            ),
            rx.button("Share", type="submit", margin_top=BELOW_LABEL, data_testid="share-submit"),
            gap=theme.SPACE_S,
            align="start",
        ),
        on_submit=ShareState.add,
        no_validate=True,
        margin_top=theme.SPACE_M,
    )


def _row(row: Shown[ShareRow]) -> rx.Component:
    return rx.flex(
        rx.box(
            rx.text(row.user, size="2", weight="medium", overflow_wrap="anywhere"),
            rx.cond(
                row.expires_at,
                rx.text("ends ", time_ago(moment=row.expires_at), size="1", color=theme.TEXT_MUTED),
            ),
            flex="1",
            min_width="0",
        ),
        rx.select.root(
            rx.select.trigger(aria_label="What " + row.user + " may do", variant="ghost"),
            rx.select.content(*[rx.select.item(title, value=value) for value, title in PERMISSIONS]),
            value=row.permission,
            on_change=lambda permission: ShareState.change(row.user, permission),
        ),
        rx.icon_button(
            rx.icon("x", size=15),
            variant="ghost",
            color_scheme="gray",
            margin="0",
            aria_label="Stop sharing with " + row.user,
            on_click=ShareState.revoke(row.id),
            data_testid="share-revoke",
        ),
        gap=theme.SPACE_M,
        align="center",
        padding="8px 12px",
        role="listitem",
        data_testid="share-row",
    )
