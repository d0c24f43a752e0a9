"""One model call: tried again where that can help, then the fallback models."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from awe_app.agents.base import AgentContext
from awe_app.agents.settings import AgentSettings
from awe_app.domain.models import ChatAnswer, ChatRequest, LanguageModel, ModelFailed, ModelInfo

LONGEST_WAIT_S = 60.0
"""A provider that asks for a longer wait is treated as failed: a fallback, or the node's own retry, comes next."""


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
            streamed: list[str] = []

            def on_text(delta: str, streamed: list[str] = streamed) -> None:
                streamed.append(delta)
                self.ctx.stream(delta)

            try:
                return await model.chat(request, on_text)
            except ModelFailed as failure:
                wait_s = failure.retry_after_s if failure.retry_after_s is not None else 2.0**tries
                if not failure.retryable or tries >= self.settings.model_retries or wait_s > LONGEST_WAIT_S:
                    raise
                tries += 1
                text = f"{failure.detail}; trying again in {wait_s:g} s"
                self.ctx.log(text, "warning", code=failure.code, attempt=tries + 1)
                if streamed:
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
