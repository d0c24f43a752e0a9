"""What surrounds every call of a user's model: so many at once, answers used again, and inputs it can take."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from awe_app.adapters.answer_cache import AnswerCache, request_key
from awe_app.domain.ids import UserId
from awe_app.domain.models import ChatAnswer, ChatRequest, LanguageModel


class Places:
    """Calls of this process that may run at once, by user and provider. Who finds no place waits, first come first."""

    def __init__(self) -> None:
        self._places: dict[tuple[UserId | None, str, int], tuple[asyncio.Semaphore, list[None]]] = {}

    @asynccontextmanager
    async def take(self, user_id: UserId | None, provider: str, limit: int | None) -> AsyncGenerator[None]:
        """Inside, one of ``limit`` places is taken; None for no limit."""
        if limit is None:
            yield
            return
        key = (user_id, provider, limit)
        semaphore, users = self._places.setdefault(key, (asyncio.Semaphore(limit), []))
        users.append(None)
        try:
            async with semaphore:
                yield
        finally:
            users.pop()
            if not users:
                self._places.pop(key, None)


@dataclass(frozen=True, slots=True)
class CalledModel:
    """Implements ``LanguageModel`` around another."""

    model: LanguageModel
    provider: str
    user_id: UserId | None
    identity: tuple[str | None, ...]
    """What makes it this model and no other: where it is and what it is called."""
    places: Places
    answers: AnswerCache | None = None
    max_parallel: int | None = None
    check: Callable[[ChatRequest], Awaitable[None]] | None = None
    """Raises for a request of which it is known that the model cannot take it."""

    async def chat(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
        """See ``LanguageModel.chat``. A reused answer is streamed as one piece."""
        if self.check is not None:
            await self.check(request)
        answers, user_id = self.answers, self.user_id
        if not request.cache or answers is None or user_id is None:
            return await self._ask(request, on_text)
        key = request_key(user_id, self.identity, request)
        if kept := await answers.get(user_id, key):
            if kept.text:
                on_text(kept.text)
            return kept
        answer = await self._ask(request, on_text)
        await answers.put(user_id, key, answer)
        return answer

    async def _ask(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
        async with self.places.take(self.user_id, self.provider, self.max_parallel):
            return await self.model.chat(request, on_text)
