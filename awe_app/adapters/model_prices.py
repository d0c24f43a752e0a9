"""What tokens cost: litellm's table of prices, read without importing litellm (2.4 s, 160 MB)."""

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


async def cost_usd(prefix: str, model: str, prompt_tokens: int, completion_tokens: int) -> float:
    """Cost of a call; 0 where no price is known. ``prefix`` is what litellm calls the provider."""
    prices = await _prices.get()
    price = prices.get(f"{prefix}/{model}") or (prices.get(model) if prefix == "openai" else None)
    return price.cost_usd(prompt_tokens, completion_tokens) if price else 0.0


def _read() -> dict[str, Price]:
    found = find_spec("litellm")
    folders = found.submodule_search_locations if found else None
    if not folders:
        return {}
    table: dict[str, Any] = json.loads((Path(folders[0]) / _FILE).read_text(encoding="utf-8"))
    # Models of these carry the provider's name in front, except OpenAI's own
    return {
        model: _price(entry)
        for model, entry in table.items()
        if entry.get("litellm_provider") in ("openai", "groq", "openrouter")
        and "input_cost_per_token" in entry
        and "output_cost_per_token" in entry
    }


def _price(entry: Mapping[str, Any]) -> Price:
    prompt, completion = entry["input_cost_per_token"], entry["output_cost_per_token"]
    above: list[tuple[int, Price]] = []
    for name, cost in entry.items():
        if found := _ABOVE.fullmatch(name):
            then = entry.get(f"output_cost_per_token_above_{found[1]}k_tokens", completion)
            above.append((int(found[1]) * 1000, Price(cost, then)))
    return Price(prompt, completion, tuple(sorted(above, key=lambda step: -step[0])))


_prices = Once(_read)
