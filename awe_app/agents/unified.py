"""One agent for every language model: retries, fallbacks, budget, and answers that follow a schema."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from awe_app.agents.base import AgentAnswer, BaseAgent, Watch
from awe_app.agents.structured import NotAnAnswer, instruction, read_answer
from awe_app.domain.errors import BudgetExceeded, NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.models import ChatAnswer, ChatRequest, LanguageModel, Message, ModelDirectory, ModelFailed, Usage

REPAIRS = 2
"""How often a model may mend an answer that breaks the schema."""
LONGEST_WAIT_S = 60.0
"""A provider that asks for a longer wait is treated as failed: a fallback, or the node's own retry, comes next."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How a ``UnifiedLLMAgent`` works. None leaves the choice to the user's default or the provider."""

    provider: str | None = None
    model: str | None = None
    system_prompt: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    output_schema: Mapping[str, Any] | None = None
    fallback_models: Sequence[str] = ()
    """Model ids, tried in order when a model fails for good."""
    model_retries: int = 2
    """Further tries of one model call on 429, 5xx and stalls."""
    max_iterations: int = 10
    """Answers asked for in one run, mended ones included."""
    cache: bool = False
    """Answers that were given before to the same request will do."""
    budget_tokens: int | None = None
    budget_usd: float | None = None
    """Once one of them is spent, no further call is made."""


class UnifiedLLMAgent(BaseAgent):
    """Works on a task by talking to a language model."""

    def __init__(
        self,
        name: str,
        models: ModelDirectory,
        user_id: UserId | None,
        settings: AgentSettings,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._models = models
        self._user_id = user_id
        self._settings = settings
        self._sleep = sleep

    async def run(self, prompt: str, watch: Watch) -> AgentAnswer:
        """See ``BaseAgent.run``. Codes: those of the models, ``OUTPUT_INVALID``, ``OUTPUT_TRUNCATED``,
        ``BUDGET_EXCEEDED``.
        """
        run = _Run(self, watch)
        schema = self._settings.output_schema
        messages = [Message("user", prompt)]
        system = self._settings.system_prompt.strip()
        if schema is not None:
            system = "\n\n".join(part for part in (system, instruction(schema)) if part)
        if system:
            messages.insert(0, Message("system", system))
        answer = await run.ask(messages)
        if schema is None:
            return AgentAnswer(answer.text, answer.model, run.spent)
        problem: NotAnAnswer | None = None
        for _ in range(min(REPAIRS, self._settings.max_iterations - 1) + 1):
            if problem:
                cut = "It was cut off: answer much shorter. " if answer.finish_reason == "length" else ""
                text = f"That answer cannot be used: {problem}. {cut}Answer again, with the JSON only."
                watch.log(f"The answer does not follow output_schema: {problem}; asking again", "warning")
                watch.stream("\n\n")
                answer = await run.ask([*messages, Message("assistant", answer.text), Message("user", text)])
            try:
                return AgentAnswer(read_answer(answer.text, schema), answer.model, run.spent)
            except NotAnAnswer as error:
                problem = error
        if answer.finish_reason == "length":
            hint = "raise max_tokens, or ask for less"
            raise NodeFailed("OUTPUT_TRUNCATED", "the answer was cut off before its JSON ended", hint, retryable=True)
        hint = "make output_schema simpler, say in the prompt what each field means, or choose a stronger model"
        detail = f"the model's answer does not follow output_schema: {problem}"
        raise NodeFailed("OUTPUT_INVALID", detail, hint, retryable=True)


class _Run:
    """The calls of one run, and what they have cost."""

    def __init__(self, agent: UnifiedLLMAgent, watch: Watch) -> None:
        self._agent = agent
        self._settings = agent._settings
        self._watch = watch
        self.spent = Usage()

    async def ask(self, messages: Sequence[Message]) -> ChatAnswer:
        """The answer of the first model that gives one: the chosen one, then the fallbacks."""
        settings = self._settings
        request = ChatRequest(
            tuple(messages),
            settings.temperature,
            settings.max_tokens,
            settings.output_schema,
            cache=settings.cache,
        )
        choices = [(settings.provider, settings.model), *((None, model) for model in settings.fallback_models)]
        for place, (provider, model) in enumerate(choices):
            try:
                chosen = await self._agent._models.find(self._agent._user_id, provider, model)
                return await self._ask_one(chosen, request)
            except ModelFailed as failure:
                if place == len(choices) - 1:
                    raise
                self._watch.log(
                    f"{failure.detail}; going on with {choices[place + 1][1]}", "warning", code=failure.code
                )
        raise AssertionError("there is always one choice")

    async def _ask_one(self, model: LanguageModel, request: ChatRequest) -> ChatAnswer:
        """One model, tried again where that can help."""
        tries = 0
        while True:
            self._check_budget()
            started = time.monotonic()
            streamed: list[str] = []

            def on_text(delta: str, streamed: list[str] = streamed) -> None:
                streamed.append(delta)
                self._watch.stream(delta)

            try:
                answer = await model.chat(request, on_text)
            except ModelFailed as failure:
                wait_s = failure.retry_after_s if failure.retry_after_s is not None else 2.0**tries
                if not failure.retryable or tries >= self._settings.model_retries or wait_s > LONGEST_WAIT_S:
                    raise
                tries += 1
                self._watch.log(
                    f"{failure.detail}; trying again in {wait_s:g} s", "warning", code=failure.code, attempt=tries + 1
                )
                if streamed:
                    self._watch.stream("\n\n[the answer broke off; asking again]\n\n")
                await self._agent._sleep(wait_s)
                continue
            self._account(answer, time.monotonic() - started)
            return answer

    def _account(self, answer: ChatAnswer, seconds: float) -> None:
        usage = answer.usage
        self.spent += usage
        self._watch.spend(usage)
        self._watch.log(
            f"{answer.model} answered in {seconds:.1f} s with {usage.completion_tokens} tokens",
            model=answer.model,
            seconds=round(seconds, 3),
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cost_usd=usage.cost_usd,
        )
        if answer.finish_reason == "length":
            self._watch.log("The answer was cut off at max_tokens", "warning", max_tokens=self._settings.max_tokens)

    def _check_budget(self) -> None:
        tokens = self.spent.prompt_tokens + self.spent.completion_tokens
        settings = self._settings
        for used, limit, unit in (
            (tokens, settings.budget_tokens, "tokens"),
            (self.spent.cost_usd, settings.budget_usd, "dollars"),
        ):
            if limit is not None and used >= limit:
                detail = f"the budget of {limit:g} {unit} is spent ({used:g} used)"
                raise BudgetExceeded("BUDGET_EXCEEDED", detail, "raise the agent's budget, or ask for less")
