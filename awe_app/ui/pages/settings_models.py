"""The model providers in the settings."""

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.canvas.canvas import model_picker
from awe_app.ui.components.empty_state import empty_state, skeleton_blocks
from awe_app.ui.components.provider_form import provider_form
from awe_app.ui.components.provider_list import provider_row
from awe_app.ui.components.settings_section import settings_box, settings_section
from awe_app.ui.pages.provider_form_state import ProviderFormState
from awe_app.ui.pages.providers_state import ProvidersState
from awe_app.ui.shown import in_browser


def models() -> list[rx.Component]:
    """Built-in model, default model, providers."""
    return [
        settings_section(
            "Built-in model",
            "It runs on this machine: no key, no network, nothing leaves. It is small (135 million parameters), made "
            "to try things out; for real work add a provider below.",
            settings_box(
                rx.flex(
                    rx.center(
                        rx.icon("hard-drive", size=18, stroke_width=1.5),
                        width="36px",
                        height="36px",
                        border_radius=theme.RADIUS,
                        background="var(--green-3)",
                        color="var(--green-11)",
                        flex_shrink="0",
                    ),
                    rx.box(
                        rx.text(
                            rx.cond(
                                ProvidersState.local_models,
                                in_browser(ProvidersState.local_models).join(", "),
                                "Local model",
                            ),
                            size="2",
                            weight="medium",
                            overflow_wrap="anywhere",
                        ),
                        rx.text("Ready, no key needed", size="1", color=theme.TEXT_MUTED),
                        min_width="0",
                    ),
                    gap="12px",
                    align="center",
                    padding="12px 14px",
                )
            ),
        ),
        settings_section(
            "Default model",
            "For agents that name no model of their own.",
            rx.cond(
                ProvidersState.loaded,
                model_picker(
                    models=ProvidersState.models,
                    value=ProvidersState.default_model,
                    label="Default model",
                    testid="default-model",
                    on_pick=ProvidersState.make_default,
                ),
                rx.skeleton(height="32px", width="100%", max_width="420px"),
            ),
        ),
        settings_section(
            "Memories",
            "What embeds the new memories of agents: empty for the model on this machine, or a provider's.",
            rx.form(
                rx.flex(
                    rx.input(
                        name="embedding_model",
                        default_value=ProvidersState.embedding_model,
                        key=ProvidersState.embedding_model,
                        placeholder="openai/text-embedding-3-small",
                        width="100%",
                        max_width="420px",
                        custom_attrs={"aria-label": "Embedding model"},
                        data_testid="embedding-model",
                    ),
                    rx.button("Save", type="submit", variant="soft", data_testid="embedding-save"),
                    gap=theme.SPACE_S,
                    wrap="wrap",
                ),
                on_submit=ProvidersState.embed_memories_by,
            ),
        ),
        settings_section(
            "Providers",
            "Models of others, with your own keys.",
            rx.cond(
                ProvidersState.loaded,
                settings_box(
                    rx.cond(
                        ProvidersState.providers,
                        rx.box(
                            rx.foreach(
                                ProvidersState.providers,
                                lambda row: provider_row(
                                    row,
                                    outcomes=ProvidersState.outcomes,
                                    testing=ProvidersState.testing,
                                    on_test=ProvidersState.test,
                                    on_edit=ProviderFormState.edit,
                                ),
                            ),
                            class_name="rows",
                            role="list",
                            aria_label="Providers",
                        ),
                        empty_state(
                            "key-round",
                            "No providers yet",
                            "Add one to use larger models in your agents.",
                            padding="32px 16px",
                        ),
                    )
                ),
                skeleton_blocks(2, "64px", columns="1"),
            ),
            action=rx.button(
                rx.icon("plus", size=15), "Add", on_click=ProviderFormState.begin, data_testid="provider-add"
            ),
        ),
        provider_form(),
    ]
