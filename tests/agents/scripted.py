"""Models that follow a script, and who watches them."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from awe_app.agents.base import AgentContext
from awe_app.domain.ids import UserId
from awe_app.domain.models import (
    ChatAnswer,
    ChatRequest,
    LanguageModel,
    ModelFailed,
    ModelInfo,
    ToolCall,
    Usage,
)
from awe_app.domain.protocols import Capabilities

COST = Usage(10, 5, 0.01)
"""Of one scripted answer."""


class Scripted:
    """Answers, or fails, as told; the last item for ever."""

    def __init__(self, name: str, *script: str | ModelFailed | ChatAnswer) -> None:
        self.name, self.script, self.requests = name, list(script), list[ChatRequest]()

    async def chat(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
        self.requests.append(request)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, ModelFailed):
            on_text("half ")
            raise step
        if isinstance(step, ChatAnswer):
            return step
        on_text(step)
        return ChatAnswer(step, self.name, COST)


def calls(*asked: tuple[str, Any], text: str = "") -> ChatAnswer:
    """An answer that asks for functions; arguments that are text stay as they are."""
    made = (
        ToolCall(f"c{place}", name, given if isinstance(given, str) else json.dumps(given))
        for place, (name, given) in enumerate(asked)
    )
    return ChatAnswer(text, "a", COST, "tool_calls", tuple(made))


class Directory:
    """Knows the scripted models by name; the first is the default."""

    def __init__(self, *models: Scripted, context_tokens: int | None = None) -> None:
        self.models = {model.name: model for model in models}
        self.context_tokens = context_tokens

    async def list(self, user_id: UserId | None) -> list[ModelInfo]:
        infos = [ModelInfo(name, "test", name, self.context_tokens) for name in self.models]
        return [replace(infos[0], default=True), *infos[1:]]

    async def find(self, user_id: UserId | None, provider: str | None, model: str | None) -> LanguageModel:
        if model and model not in self.models:
            raise ModelFailed("UNKNOWN_MODEL", f"no {model}")
        return self.models[model or next(iter(self.models))]


class Seen:
    """What a watcher was told."""

    def __init__(self) -> None:
        self.text, self.spent, self.logs, self.waits = "", Usage(), list[tuple[str, str]](), list[float]()

    def context(self, models: Directory) -> AgentContext:
        def log(message: str, level: str = "info", **_data: Any) -> None:
            self.logs.append((level, message))

        def stream(delta: str) -> None:
            self.text += delta

        def spend(usage: Usage, once: str | None = None) -> None:
            self.spent += usage

        return AgentContext(Capabilities(models), log=log, stream=stream, spend=spend, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


class ByTurn(Scripted):
    """Answers by how many turns of its own it is shown, so that whoever asks again hears the same."""

    async def chat(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
        self.requests.append(request)
        turn = sum(message.role == "assistant" for message in request.messages)
        answer = self.script[turn]
        if isinstance(answer, ModelFailed):
            raise answer
        if isinstance(answer, str):
            answer = ChatAnswer(answer, self.name, COST)
        if answer.text:
            on_text(answer.text)
        return answer
