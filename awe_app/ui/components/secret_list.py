"""Named secrets in the settings: a list, a form, and a question before one goes."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.browser_parts import time_ago
from awe_app.ui.components.confirm_dialog import confirm_dialog
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.form_field import form_field
from awe_app.ui.components.settings_section import settings_box, settings_section
from awe_app.ui.pages.secrets_state import SecretRow, SecretsState
from awe_app.ui.shown import Shown


def secret_list() -> list[rx.Component]:
    """The section."""
    return [
        settings_section(
            "Secrets",
            "Tokens and passwords that HTTP requests use by name. They are stored encrypted, sent only to the hosts "
            "you name, and never shown again.",
            rx.cond(
                SecretsState.loaded,
                settings_box(
                    rx.cond(
                        SecretsState.rows,
                        rx.box(
                            rx.foreach(SecretsState.rows, _row), class_name="rows", role="list", aria_label="Secrets"
                        ),
                        empty_state(
                            "key-round",
                            "No secrets yet",
                            "Add one, then choose it in a request's sign-in.",
                            padding="32px 16px",
                        ),
                    )
                ),
                skeleton_blocks(2, "56px", columns="1"),
            ),
            action=rx.button(
                rx.icon("plus", size=15),
                "Add",
                on_click=SecretsState.begin,
                min_height=["44px", "44px", "32px"],
                data_testid="secret-add",
            ),
        ),
        _form(),
        confirm_dialog(
            is_open=SecretsState.doomed != "",
            title="Delete this secret?",
            text="What uses " + SecretsState.doomed + " fails until it is chosen anew. This cannot be undone.",
            confirm="Delete",
            on_confirm=SecretsState.delete,
            on_cancel=SecretsState.keep,
        ),
    ]


def _row(row: Shown[SecretRow]) -> rx.Component:
    return rx.flex(
        rx.box(
            rx.flex(
                rx.text(row.name, size="2", weight="medium", class_name="cut"),
                rx.text(row.ending, size="1", color=theme.TEXT_MUTED, white_space="nowrap"),
                gap="8px",
                align="baseline",
            ),
            rx.text("For ", row.hosts, " · ", time_ago(moment=row.updated_at), size="1", color=theme.TEXT_MUTED),
            flex="1",
            min_width="0",
            overflow_wrap="anywhere",
        ),
        rx.icon_button(
            rx.icon("trash-2", size=15),
            variant="ghost",
            color_scheme="gray",
            margin="0",
            min_width=["44px", "44px", "32px"],
            min_height=["44px", "44px", "32px"],
            on_click=SecretsState.ask(row.name),
            aria_label="Delete " + row.name,
            data_testid="secret-delete",
        ),
        align="center",
        gap=theme.SPACE_M,
        padding="10px 14px",
        role="listitem",
        data_testid="secret-row",
    )


def _form() -> rx.Component:
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title("Add a secret", font_size="var(--font-size-4)"),
            rx.dialog.description(
                "With a name that is there already, it replaces that secret.",
                font_size="var(--font-size-2)",
                color=theme.TEXT_MUTED,
            ),
            rx.form(
                rx.flex(
                    form_field("Name", _input("name", placeholder="github"), name="secret-name"),
                    form_field("Value", _input("value", type="password", auto_complete="off"), name="secret-value"),
                    form_field(
                        "Hosts",
                        _input("hosts", placeholder="api.github.com"),
                        name="secret-hosts",
                        hint="It is sent to these and nowhere else; several with commas, *.example.com for all below.",
                    ),
                    rx.cond(
                        SecretsState.problem,
                        rx.callout(
                            SecretsState.problem, icon="circle-alert", color_scheme="red", size="1", role="alert"
                        ),
                    ),
                    rx.flex(
                        rx.button(
                            "Cancel", type="button", variant="soft", color_scheme="gray", on_click=SecretsState.close
                        ),
                        rx.button("Save", type="submit", loading=SecretsState.busy, data_testid="secret-save"),
                        gap=theme.SPACE_S,
                        justify="end",
                    ),
                    direction="column",
                    gap=theme.SPACE_M,
                    margin_top=theme.SPACE_M,
                ),
                on_submit=SecretsState.save,
                no_validate=True,
            ),
            max_width="460px",
        ),
        open=SecretsState.is_open,
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), SecretsState.close()),
    )


def _input(name: str, **props: Any) -> rx.Component:
    return rx.input(
        name=name,
        id=f"secret-{name}",
        width="100%",
        data_testid=f"secret-{name}",
        custom_attrs={"aria-describedby": f"secret-{name}-hint"},
        **props,
    )
