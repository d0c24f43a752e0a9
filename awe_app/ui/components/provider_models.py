"""Which models of a provider agents may use: typed, or chosen from what it says it has."""

from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.form_field import form_field
from awe_app.ui.pages.provider_form_state import ProviderFormState


def provider_models() -> rx.Component:
    """The field, and below it the provider's own list once it was fetched."""
    return rx.flex(
        form_field(
            "Models",
            rx.text_area(
                id="provider-models",
                value=ProviderFormState.models,
                on_change=ProviderFormState.write_models,
                rows="3",
                placeholder="gpt-4o-mini",
                spell_check=False,
                data_testid="provider-models",
            ),
            name="provider-models",
            hint=rx.cond(
                ProviderFormState.row.id,
                "One a line; the first is taken where an agent names none.",
                "One a line. Leave it empty to choose from the provider's list once it is saved.",
            ),
        ),
        rx.cond(
            ProviderFormState.row.id,
            rx.button(
                rx.icon("list", size=15),
                "Fetch models",
                type="button",
                variant="soft",
                color_scheme="gray",
                align_self="start",
                loading=ProviderFormState.fetching,
                on_click=ProviderFormState.fetch,
                data_testid="provider-fetch",
            ),
        ),
        rx.cond(ProviderFormState.offered, _offered()),
        direction="column",
        gap="10px",
    )


def _offered() -> rx.Component:
    return rx.box(
        rx.input(
            value=ProviderFormState.sought,
            on_change=ProviderFormState.seek,
            placeholder="Search models",
            aria_label="Search models",
            width="100%",
            data_testid="provider-offered-search",
        ),
        rx.box(
            rx.foreach(ProviderFormState.found, _name),
            role="group",
            aria_label="Models of the provider",
            max_height="200px",
            overflow="auto",
            margin_top="8px",
        ),
        border=theme.BORDER,
        border_radius=theme.RADIUS,
        padding="8px",
    )


def _name(name: Any) -> rx.Component:
    return rx.text(
        rx.flex(
            rx.checkbox(
                checked=ProviderFormState.chosen.contains(name),  # pyright: ignore [reportAttributeAccessIssue]
                on_change=lambda wanted: ProviderFormState.pick(name, wanted),
                size="1",
            ),
            rx.text(name, size="2", overflow_wrap="anywhere"),
            gap="8px",
            align="center",
            min_height=["44px", "44px", "30px"],
        ),
        as_="label",
        data_testid="provider-offered",
    )
