"""How model providers are listed, and what their form knows of each kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.shown import Shown

KINDS: tuple[tuple[str, str], ...] = (
    ("openai", "OpenAI"),
    ("anthropic", "Anthropic"),
    ("gemini", "Google Gemini"),
    ("azure", "Azure OpenAI"),
    ("mistral", "Mistral"),
    ("groq", "Groq"),
    ("openrouter", "OpenRouter"),
    ("ollama", "Ollama"),
    ("openai_compatible", "OpenAI-compatible server"),
)
NEEDS_ADDRESS = ("azure", "ollama", "openai_compatible")
"""Kinds whose servers have no address of their own."""


@dataclass(frozen=True)
class ProviderRow:
    """What the list shows of one provider; never its key."""

    id: str
    kind: str
    title: str
    kind_title: str
    base_url: str
    key: str
    """``•••• 1234``, or empty when none is stored."""
    models: list[str]
    enabled: bool


def rows_of(settings: Mapping[str, Any]) -> list[ProviderRow]:
    """The rows for the answer of ``settings.llm``, without the built-in model."""
    return [_row_of(provider) for provider in settings["providers"] if provider["kind"] != "local"]


def _row_of(provider: Mapping[str, Any]) -> ProviderRow:
    last4 = provider.get("key_last4")
    return ProviderRow(
        id=provider["id"],
        kind=provider["kind"],
        title=provider.get("name") or provider["id"],
        kind_title=next((title for kind, title in KINDS if kind == provider["kind"]), provider["kind"]),
        base_url=provider.get("base_url") or "",
        key=f"•••• {last4}" if last4 else "",
        models=list(provider.get("models") or ()),
        enabled=bool(provider.get("enabled", True)),
    )


def provider_row(
    row: Shown[ProviderRow], *, outcome: Shown[str], testing: Shown[str], on_test: Any, on_edit: Any
) -> rx.Component:
    """One provider with its *Test* and *Edit*; ``outcome`` begins with ``ok`` when the last test went well."""
    return rx.flex(
        rx.flex(
            rx.flex(
                rx.text(row.title, weight="medium", size="2", class_name="cut"),
                rx.badge(row.kind_title, color_scheme="gray", size="1"),
                rx.cond(row.enabled, rx.fragment(), rx.badge("Off", color_scheme="amber", size="1")),
                align="center",
                gap="8px",
                min_width="0",
            ),
            rx.text(
                rx.cond(row.key, "Key " + row.key, "No key"),
                rx.cond(row.models, " · " + row.models.join(", "), ""),
                size="1",
                color=theme.TEXT_MUTED,
                class_name="cut",
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
                "Test",
                variant="soft",
                color_scheme="gray",
                size="2",
                loading=testing == row.id,
                on_click=on_test(row.id),
                aria_label="Test " + row.title,
                data_testid="provider-test",
            ),
            rx.button(
                "Edit",
                variant="soft",
                color_scheme="gray",
                size="2",
                on_click=on_edit(row.id),
                aria_label="Edit " + row.title,
                data_testid="provider-edit",
            ),
            gap=theme.SPACE_S,
        ),
        align="center",
        gap=theme.SPACE_M,
        wrap="wrap",
        padding="12px 14px",
        data_testid="provider-row",
        role="listitem",
    )
