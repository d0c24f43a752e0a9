"""What is known of models: what their tokens cost, how much they read, what they can.

Out of litellm's table, read without importing litellm (2.4 s, 160 MB).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from awe_app.adapters.once import Once

_FILE = "model_prices_and_context_window_backup.json"
_ABOVE = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
_PROVIDERS = frozenset(("openai", "anthropic", "gemini", "azure", "mistral", "groq", "openrouter", "ollama"))
_BARE = frozenset(("openai",))
"""Its models carry no provider's name in front."""
_ABILITIES = {
    "tools": "supports_function_calling",
    "vision": "supports_vision",
}


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for one token of a model."""

    prompt: float
    completion: float
    above: tuple[tuple[int, "Price"], ...] = ()
    """Prices of prompts with more than so many tokens, the largest first."""

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What a call of so many tokens costs."""
        for limit, price in self.above:
            if prompt_tokens > limit:
                return price.cost_usd(prompt_tokens, completion_tokens)
        return self.prompt * prompt_tokens + self.completion * completion_tokens

    @property
    def per_million(self) -> tuple[float, float]:
        """Dollars for a million tokens, of prompt and of answer."""
        return round(self.prompt * 1e6, 6), round(self.completion * 1e6, 6)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the table says about a model."""

    price: Price | None
    context_tokens: int | None
    abilities: tuple[str, ...]
    """Of ``text json tools vision streaming``."""


async def facts(prefix: str, model: str) -> Facts | None:
    """What is known of a model; None if nothing is. ``prefix`` is what litellm calls the provider."""
    table = await _table.get()
    return table.get(f"{prefix}/{model}") or (table.get(model) if prefix in _BARE else None)


async def cost_usd(prefix: str, model: str, prompt_tokens: int, completion_tokens: int) -> float:
    """Cost of a call; 0 where no price is known."""
    known = await facts(prefix, model)
    return known.price.cost_usd(prompt_tokens, completion_tokens) if known and known.price else 0.0


def _read() -> dict[str, Facts]:
    found = find_spec("litellm")
    folders = found.submodule_search_locations if found else None
    if not folders:
        return {}
    table: dict[str, Any] = json.loads((Path(folders[0]) / _FILE).read_text(encoding="utf-8"))
    known: dict[str, Facts] = {}
    for model, entry in table.items():
        provider = entry.get("litellm_provider")
        if provider in _PROVIDERS:
            named = model if provider != "anthropic" else f"anthropic/{model.removeprefix('anthropic/')}"
            known[named] = _facts(entry)
    return known


def _facts(entry: Mapping[str, Any]) -> Facts:
    priced = "input_cost_per_token" in entry and "output_cost_per_token" in entry
    context = entry.get("max_input_tokens") or entry.get("max_tokens")
    can = [ability for ability, name in _ABILITIES.items() if entry.get(name)]
    return Facts(
        price=_price(entry) if priced else None,
        context_tokens=context if isinstance(context, int) else None,
        abilities=("text", "json", *can, "streaming"),  # JSON is asked for in words where there is no other way
    )


def _price(entry: Mapping[str, Any]) -> Price:
    prompt, completion = entry["input_cost_per_token"], entry["output_cost_per_token"]
    above: list[tuple[int, Price]] = []
    for name, cost in entry.items():
        if found := _ABOVE.fullmatch(name):
            then = entry.get(f"output_cost_per_token_above_{found[1]}k_tokens", completion)
            above.append((int(found[1]) * 1000, Price(cost, then)))
    return Price(prompt, completion, tuple(sorted(above, key=lambda step: -step[0])))


_table = Once(_read)
