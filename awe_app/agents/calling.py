"""One model call: tried again where that can help, then the fallback models."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from awe_app.agents.base import AgentContext
from awe_app.agents.settings import AgentSettings
from awe_app.domain.models import ChatAnswer, ChatRequest, LanguageModel, ModelFailed, ModelInfo

LONGEST_WAIT_S = 60.0
"""A provider that asks for a longer wait is treated as failed: a fallback, or the node's own retry, comes next."""
LONGEST_ANSWER = 1_000_000
"""Characters; a model that says more has lost its way, and nobody reads it."""


@dataclass(frozen=True, slots=True)
class ModelCaller:
    """Asks the models that an agent may use."""

    settings: AgentSettings
    ctx: AgentContext
    check: Callable[[], None]
    """Raises when no further call may be made."""

    async def ask(self, request: ChatRequest) -> tuple[ChatAnswer, float]:
        """The answer of the first model that gives one, the chosen one first, and how many seconds it took in all."""
        settings = self.settings
        began = time.monotonic()
        choices = [(settings.provider, settings.model), *((None, model) for model in settings.fallback_models)]
        for place, (provider, model) in enumerate(choices):
            try:
                chosen = await self.ctx.capabilities.models.find(self.ctx.user_id, provider, model)
                return await self._ask_one(chosen, request), time.monotonic() - began
            except ModelFailed as failure:
                if place == len(choices) - 1:
                    raise
                text = f"{failure.detail}; going on with {choices[place + 1][1]}"
                self.ctx.log(text, "warning", code=failure.code)
        raise AssertionError("there is always one choice")

    async def _ask_one(self, model: LanguageModel, request: ChatRequest) -> ChatAnswer:
        tries = 0
        while True:
            self.check()
            text = _Text(self.ctx.stream)
            try:
                return await model.chat(request, text.add)
            except ModelFailed as failure:
                wait_s = failure.retry_after_s if failure.retry_after_s is not None else 2.0**tries
                if not failure.retryable or tries >= self.settings.model_retries or wait_s > LONGEST_WAIT_S:
                    raise
                tries += 1
                message = f"{failure.detail}; trying again in {wait_s:g} s"
                self.ctx.log(message, "warning", code=failure.code, attempt=tries + 1)
                if text.chars:
                    self.ctx.stream("\n\n[the answer broke off; asking again]\n\n")
                await self.ctx.sleep(wait_s)

    async def info(self) -> ModelInfo | None:
        """What is known of the chosen model; None for one that the user's list does not hold."""
        provider, model = self.settings.provider, self.settings.model
        for info in await self.ctx.capabilities.models.list(self.ctx.user_id):
            if model:
                chosen = info.id in (model, f"{provider}/{model}")
            else:
                chosen = info.provider == provider if provider else info.default
            if chosen:
                return info
        return None


class _Text:
    """The text of one try while it comes in."""

    def __init__(self, stream: Callable[[str], None]) -> None:
        self._stream = stream
        self.chars = 0

    def add(self, delta: str) -> None:
        self.chars += len(delta)
        if self.chars > LONGEST_ANSWER:
            detail = f"the model went on for more than {LONGEST_ANSWER} characters"
            raise ModelFailed("ANSWER_TOO_LONG", detail, "set max_tokens, or ask for less")
        self._stream(delta)
