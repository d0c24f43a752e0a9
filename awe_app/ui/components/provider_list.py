"""How model providers are listed, and what their form knows of each kind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from awe_app.ui import theme
from awe_app.ui.components.browser_parts import time_ago
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
    max_parallel: str
    """Calls at once; empty for no limit."""


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
        max_parallel=str(provider.get("max_parallel") or ""),
    )


def provider_row(row: Shown[ProviderRow], *, outcomes: Any, testing: Any, on_test: Any, on_edit: Any) -> rx.Component:
    """One provider: how its last test went, its models, each with a test of its own, and *Edit*."""
    return rx.box(
        rx.flex(
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
                    rx.cond(row.max_parallel, " · " + row.max_parallel + " calls at once", ""),
                    size="1",
                    color=theme.TEXT_MUTED,
                ),
                _outcome(outcomes, row.id, "Not tested yet"),
                direction="column",
                gap="4px",
                min_width="0",
                flex="1 1 240px",
            ),
            rx.flex(
                _button("Test", row.title, testing == row.id, on_test(row.id, ""), "provider-test"),
                _button("Edit", row.title, False, on_edit(row.id), "provider-edit"),
                gap=theme.SPACE_S,
            ),
            align="center",
            gap=theme.SPACE_M,
            wrap="wrap",
        ),
        rx.cond(
            row.models,
            rx.el.details(
                rx.el.summary(
                    row.models.length(),
                    rx.cond(row.models.length() == 1, " model", " models"),
                    class_name="provider-models-summary",
                ),
                rx.box(
                    rx.foreach(row.models, lambda model: _model(row, model, outcomes, testing, on_test)),
                    role="list",
                    aria_label="Models of " + row.title,
                ),
                font_size="var(--font-size-1)",
                margin_top="6px",
                data_testid="provider-model-list",
            ),
        ),
        padding="12px 14px",
        data_testid="provider-row",
        role="listitem",
    )


def _model(row: Any, model: Any, outcomes: Any, testing: Any, on_test: Any) -> rx.Component:
    key = row.id + "/" + model
    return rx.flex(
        rx.box(
            rx.text(model, size="2", overflow_wrap="anywhere"),
            _outcome(outcomes, key, ""),
            flex="1",
            min_width="0",
        ),
        _button("Test", model, testing == key, on_test(row.id, model), "model-test"),
        align="center",
        gap=theme.SPACE_M,
        padding="6px 0",
        border_top=theme.BORDER,
        margin_top="6px",
        role="listitem",
    )


def _outcome(outcomes: Any, key: Any, untested: str) -> rx.Component:
    said = outcomes[key]
    return rx.cond(
        outcomes.contains(key),
        rx.flex(
            rx.cond(
                said.ok,
                rx.icon("circle-check", size=14, color="var(--green-11)", flex_shrink="0"),
                rx.icon("circle-alert", size=14, color=theme.DANGER_TEXT, flex_shrink="0"),
            ),
            rx.text(
                said.words,
                rx.cond(said.ok & (said.model != "") & ~key.contains("/"), " · " + said.model, ""),
                " · ",
                time_ago(moment=said.at),
                size="1",
                color=rx.cond(said.ok, "var(--green-11)", theme.DANGER_TEXT),
                overflow_wrap="anywhere",
            ),
            gap="6px",
            role="status",
            data_testid="provider-outcome",
        ),
        rx.text(untested, size="1", color=theme.TEXT_MUTED) if untested else rx.fragment(),
    )


def _button(word: str, of: Any, busy: Any, on_click: Any, test_id: str) -> rx.Component:
    return rx.button(
        word,
        variant="soft",
        color_scheme="gray",
        size=rx.breakpoints(initial="3", sm="2"),
        min_height=["44px", "44px", "32px"],
        loading=busy,
        on_click=on_click,
        aria_label=word + " " + of,
        data_testid=test_id,
    )
