"""The dialog that adds or changes one model provider."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.form_field import form_field
from awe_app.ui.components.provider_list import KINDS, NEEDS_ADDRESS
from awe_app.ui.components.provider_models import provider_models
from awe_app.ui.pages.provider_form_state import ProviderFormState


def provider_form() -> rx.Component:
    """The dialog; it is fresh each time it opens."""
    row = ProviderFormState.row
    return rx.dialog.root(
        rx.dialog.content(
            rx.dialog.title(rx.cond(row.id, "Edit provider", "Add a provider"), font_size="var(--font-size-4)"),
            rx.dialog.description(
                "Keys are stored encrypted on this server and are never shown again.",
                font_size="var(--font-size-2)",
                color=theme.TEXT_MUTED,
            ),
            rx.form(
                rx.flex(
                    form_field("Kind", _kind(), name="provider-kind"),
                    form_field("Name", _input("name", row.title, placeholder="Work account"), name="provider-name"),
                    rx.cond(
                        rx.Var.create(list(NEEDS_ADDRESS)).contains(ProviderFormState.kind),
                        form_field(
                            "Address",
                            _input("base_url", row.base_url, placeholder="http://localhost:11434", type="url"),
                            name="provider-base_url",
                            hint="Where the server listens.",
                        ),
                    ),
                    form_field(
                        "API key",
                        _input(
                            "api_key",
                            "",
                            placeholder=rx.cond(row.key, row.key, ""),
                            type="password",
                            auto_complete="off",
                        ),
                        name="provider-api_key",
                        hint=rx.cond(row.key, "Leave it empty to keep the stored one.", ""),
                    ),
                    provider_models(),
                    form_field(
                        "Calls at once",
                        _input("max_parallel", row.max_parallel, placeholder="No limit", input_mode="numeric"),
                        name="provider-max_parallel",
                        hint="Further calls wait their turn.",
                    ),
                    rx.text(
                        rx.flex(
                            rx.switch(name="enabled", default_checked=row.enabled, size="1"),
                            "Agents may use it",
                            gap="8px",
                            align="center",
                        ),
                        as_="label",
                        size="2",
                    ),
                    rx.cond(
                        ProviderFormState.problem,
                        rx.callout(
                            ProviderFormState.problem, icon="circle-alert", color_scheme="red", size="1", role="alert"
                        ),
                    ),
                    rx.flex(
                        rx.cond(
                            row.id,
                            rx.button(
                                "Remove",
                                type="button",
                                variant="ghost",
                                color_scheme="red",
                                margin="0",
                                on_click=ProviderFormState.remove,
                                data_testid="provider-remove",
                            ),
                        ),
                        rx.spacer(),
                        rx.button(
                            "Cancel",
                            type="button",
                            variant="soft",
                            color_scheme="gray",
                            on_click=ProviderFormState.close,
                        ),
                        rx.button("Save", type="submit", loading=ProviderFormState.busy, data_testid="provider-save"),
                        gap=theme.SPACE_S,
                        align="center",
                    ),
                    direction="column",
                    gap=theme.SPACE_M,
                    margin_top=theme.SPACE_M,
                ),
                on_submit=ProviderFormState.save,
                no_validate=True,
            ),
            max_width="460px",
        ),
        open=ProviderFormState.is_open,
        on_open_change=lambda opened: rx.cond(opened, rx.noop(), ProviderFormState.close()),
    )


def _kind() -> rx.Component:
    return rx.select.root(
        rx.select.trigger(id="provider-kind", width="100%", data_testid="provider-kind"),
        rx.select.content(*[rx.select.item(title, value=kind) for kind, title in KINDS]),
        value=ProviderFormState.kind,
        on_change=ProviderFormState.choose_kind,
        disabled=ProviderFormState.row.id != "",
    )


def _input(name: str, value: Any, **props: Any) -> rx.Component:
    return rx.input(
        name=name,
        id=f"provider-{name}",
        default_value=value,
        width="100%",
        data_testid=f"provider-{name}",
        custom_attrs={"aria-describedby": f"provider-{name}-hint"},
        **props,
    )
