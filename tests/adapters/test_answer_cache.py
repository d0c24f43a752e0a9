"""Answers that are kept to be used again."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from awe_app.adapters.answer_cache import AnswerCache, request_key
from awe_app.adapters.crypto import Secrets
from awe_app.domain.ids import UserId
from awe_app.domain.models import Attachment, ChatAnswer, ChatRequest, FunctionSpec, Message, ToolCall, Usage

ADA, BOB = UserId("ada"), UserId("bob")
SECRETS = Secrets("a key for tests")
MODEL = ("work", "openai", None, "gpt-4o")
ASK = ChatRequest((Message("user", "Hello"),))
CALL = ToolCall("call_1", "calculator", '{"expression": "1"}')
ANSWER = ChatAnswer("Hi, ключ", "work/gpt-4o", Usage(3, 4, 0.5), "tool_calls", (CALL,))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def test_an_answer_comes_back_marked_and_costs_nothing(tmp_path: Path):
    answers = AnswerCache(tmp_path / "data", SECRETS)
    assert await answers.get(ADA, "key") is None
    await answers.put(ADA, "key", ANSWER)
    assert await answers.get(ADA, "key") == replace(ANSWER, usage=Usage(), reused=True)
    assert await AnswerCache(tmp_path / "data", SECRETS).get(ADA, "key")  # another process


async def test_nobody_can_read_anothers_answers(tmp_path: Path):
    answers = AnswerCache(tmp_path, SECRETS)
    await answers.put(ADA, "key", ANSWER)
    assert await answers.get(BOB, "key") is None
    assert await AnswerCache(tmp_path, Secrets("changed")).get(ADA, "key") is None
    for file in tmp_path.iterdir():
        assert b"Hi, " not in file.read_bytes()
    assert stat.S_IMODE((tmp_path / "model_answers.db").stat().st_mode) == 0o600


async def test_an_old_answer_is_gone(tmp_path: Path):
    clock = Clock()
    answers = AnswerCache(tmp_path, SECRETS, max_age_s=60, now=clock)
    await answers.put(ADA, "key", ANSWER)
    clock.now += 59
    assert await answers.get(ADA, "key")
    clock.now += 1
    assert await answers.get(ADA, "key") is None


async def test_the_oldest_go_when_there_are_too_many(tmp_path: Path):
    clock = Clock()
    answers = AnswerCache(tmp_path, SECRETS, max_bytes=5_000, now=clock)
    for number in range(20):
        clock.now += 1
        await answers.put(ADA, str(number), replace(ANSWER, text="x" * 500))
    kept = [number for number in range(20) if await answers.get(ADA, str(number))]
    assert kept
    assert kept == list(range(20 - len(kept), 20))
    assert len(kept) < 8


async def test_an_answer_that_is_too_large_is_not_kept(tmp_path: Path):
    answers = AnswerCache(tmp_path, SECRETS)
    await answers.put(ADA, "key", replace(ANSWER, text="x" * 1_000_000))
    assert await answers.get(ADA, "key") is None


async def test_a_file_that_cannot_be_used_is_no_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "model_answers.db").write_bytes(b"no database at all" * 100)
    answers = AnswerCache(tmp_path, SECRETS)
    await answers.put(ADA, "key", ANSWER)
    assert await answers.get(ADA, "key") is None
    assert "asked again" in caplog.text


def test_every_part_of_a_request_counts_and_the_wish_to_reuse_does_not():
    picture = Attachment("a.png", "image/png", b"1")
    tool = FunctionSpec("add", "Adds.", {"type": "object"})
    requests = [
        ASK,
        ChatRequest((Message("system", "Hello"),)),
        ChatRequest((Message("user", "Hello!"),)),
        ChatRequest((Message("user", "Hello", attachments=(picture,)),)),
        ChatRequest((Message("user", "Hello", attachments=(replace(picture, data=b"2"),)),)),
        ChatRequest((Message("assistant", "Hello", tool_calls=(CALL,)),)),
        ChatRequest((Message("tool", "Hello", tool_call_id="call_1"),)),
        replace(ASK, temperature=0.0),
        replace(ASK, max_tokens=1),
        replace(ASK, output_schema={}),
        replace(ASK, tools=(tool,)),
        replace(ASK, tools=(replace(tool, description="Adds two."),)),
    ]
    keys = [request_key(ADA, MODEL, request) for request in requests]
    keys += [request_key(BOB, MODEL, ASK), request_key(ADA, ("work", "openai", None, "gpt-4"), ASK)]
    assert len(set(keys)) == len(keys)
    assert request_key(ADA, MODEL, replace(ASK, cache=True)) == keys[0]
