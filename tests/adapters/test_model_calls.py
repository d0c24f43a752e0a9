"""What surrounds the calls of a user's models."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from awe_app.adapters.answer_cache import AnswerCache
from awe_app.adapters.crypto import Secrets
from awe_app.adapters.model_calls import CalledModel, Places
from awe_app.domain.ids import UserId
from awe_app.domain.models import ChatAnswer, ChatRequest, LanguageModel, Message, ModelFailed, Usage

ADA, BOB = UserId("ada"), UserId("bob")
ASK = ChatRequest((Message("user", "Hello"),))
AGAIN = ChatRequest(ASK.messages, cache=True)


class Busy:
    """A model that answers when it is let; ``most`` is how many asked it at once."""

    def __init__(self) -> None:
        self.now = self.most = self.calls = 0
        self.go = asyncio.Event()

    async def chat(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
        self.calls += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.go.wait()
            on_text("Hi")
            return ChatAnswer("Hi", "mine/m", Usage(1, 1, 0.1))
        finally:
            self.now -= 1


def called(
    model: LanguageModel,
    places: Places,
    user_id: UserId | None = ADA,
    limit: int | None = None,
    answers: AnswerCache | None = None,
) -> CalledModel:
    return CalledModel(model, "mine", user_id, ("mine", "openai", None, "m"), places, answers, limit)


async def all_waiting() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (3, 3), (None, 10)])
async def test_calls_beyond_the_limit_wait_and_none_fails(limit: int | None, most: int):
    busy, places = Busy(), Places()
    async with asyncio.TaskGroup() as tasks:
        # each call finds its model anew, as agents do
        calls = [tasks.create_task(called(busy, places, limit=limit).chat(ASK, lambda _: None)) for _ in range(10)]
        await all_waiting()
        busy.go.set()
    assert [call.result().text for call in calls] == ["Hi"] * 10
    assert busy.most == most


async def test_users_do_not_wait_for_each_other():
    busy, places = Busy(), Places()
    async with asyncio.TaskGroup() as tasks:
        for user_id in (ADA, BOB):
            tasks.create_task(called(busy, places, user_id, limit=1).chat(ASK, lambda _: None))
        await all_waiting()
        assert busy.now == 2
        busy.go.set()


async def test_who_gives_up_waiting_leaves_the_place_to_others():
    busy, places = Busy(), Places()
    model = called(busy, places, limit=1)
    async with asyncio.TaskGroup() as tasks:
        first, second, third = (tasks.create_task(model.chat(ASK, lambda _: None)) for _ in range(3))
        await all_waiting()
        first.cancel()
        second.cancel()
        busy.go.set()
        assert (await third).text == "Hi"
    assert busy.calls == 2


async def test_the_same_request_is_answered_as_before_and_streamed(tmp_path: Path):
    busy, answers = Busy(), AnswerCache(tmp_path, Secrets("key"))
    busy.go.set()
    model = called(busy, Places(), answers=answers)
    first = await model.chat(AGAIN, lambda _: None)
    pieces: list[str] = []
    second = await model.chat(AGAIN, pieces.append)
    assert (first.reused, second.reused, second.text, second.usage, pieces) == (False, True, "Hi", Usage(), ["Hi"])
    assert busy.calls == 1


@pytest.mark.parametrize("user_id", [ADA, None])
async def test_who_does_not_ask_for_it_gets_a_new_answer(tmp_path: Path, user_id: UserId | None):
    busy = Busy()
    busy.go.set()
    model = called(busy, Places(), user_id, answers=AnswerCache(tmp_path, Secrets("key")))
    for _ in range(2):
        await model.chat(ASK if user_id else AGAIN, lambda _: None)
    assert busy.calls == 2


async def test_a_request_the_model_cannot_take_is_not_sent():
    async def check(_request: ChatRequest) -> None:
        raise ModelFailed("UNSUPPORTED_INPUT", "no")

    busy = Busy()
    model = CalledModel(busy, "mine", ADA, (), Places(), check=check)
    with pytest.raises(ModelFailed, match="no"):
        await model.chat(ASK, lambda _: None)
    assert not busy.calls
