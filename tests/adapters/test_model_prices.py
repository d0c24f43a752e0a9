"""Prices read from litellm's file are those litellm itself would charge."""

import pytest

from awe_app.adapters.llm import load_litellm
from awe_app.adapters.model_prices import cost_usd


async def test_costs_are_those_of_litellm():
    litellm = await load_litellm()
    compared = 0
    for name, entry in litellm.model_cost.items():
        prefix = entry.get("litellm_provider")
        if prefix not in ("openai", "groq", "openrouter") or entry.get("mode") != "chat":
            continue
        if "input_cost_per_token" not in entry or "output_cost_per_token" not in entry:
            continue
        model = name.removeprefix(f"{prefix}/")
        for asked, answered in ((1_000, 100), (300_000, 5_000)):
            expected = sum(
                litellm.cost_per_token(model=f"{prefix}/{model}", prompt_tokens=asked, completion_tokens=answered)
            )
            assert await cost_usd(prefix, model, asked, answered) == pytest.approx(expected), (name, asked)
        compared += 1
    assert compared > 50


async def test_an_unknown_model_costs_nothing():
    assert await cost_usd("openai", "some-model", 1_000, 1_000) == 0
    assert await cost_usd("groq", "gpt-4o-mini", 1_000, 1_000) == 0
