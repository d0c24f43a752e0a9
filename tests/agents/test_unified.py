"""The agent over a model that follows a script."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from awe_app.agents.base import Task
from awe_app.agents.settings import AgentSettings, Limits
from awe_app.agents.unified import UnifiedLLMAgent
from awe_app.domain.errors import BudgetExceeded, NodeFailed
from awe_app.domain.models import ChatAnswer, ChatRequest, ModelFailed, Usage
from tests.agents.scripted import Directory, Scripted, Seen

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
BUSY = ModelFailed("MODEL_RATE_LIMIT", "busy", retryable=True)
REFUSED = ModelFailed("MODEL_AUTH", "no key")


async def run(models: list[Scripted], seen: Seen | None = None, **settings: Any) -> Any:
    seen = seen or Seen()
    agent = UnifiedLLMAgent("writer", AgentSettings(**settings))
    return await agent.run(Task("Count."), seen.context(Directory(*models)))


async def test_text_is_streamed_spent_and_logged():
    model, seen = Scripted("a", "one two"), Seen()
    answer = await run([model], seen, system_prompt=" You count. ", temperature=0.5, max_tokens=9)
    assert (answer.value, answer.model, answer.usage) == ("one two", "a", Usage(10, 5, 0.01))
    assert seen.text == "one two"
    assert seen.spent == answer.usage
    request = model.requests[0]
    assert [(m.role, m.content) for m in request.messages] == [("system", "You count."), ("user", "Count.")]
    assert (request.temperature, request.max_tokens, request.output_schema) == (0.5, 9, None)


@pytest.mark.parametrize(
    "text", ['{"n": 3}', '```json\n{"n": 3}\n```', 'Here you are: {"n": 3} I hope it helps.', ' \n{"n":\n3}\n']
)
async def test_json_is_found_in_the_text(text: str):
    assert (await run([Scripted("a", text)], output_schema=SCHEMA)).value == {"n": 3}


async def test_the_model_is_told_the_schema():
    model = Scripted("a", '{"n": 3}')
    await run([model], output_schema=SCHEMA, system_prompt="You count.")
    system = model.requests[0].messages[0].content
    assert system.startswith("You count.\n\n")
    assert json.dumps(SCHEMA, separators=(",", ":")) in system
    assert model.requests[0].output_schema == SCHEMA


async def test_a_wrong_answer_may_be_mended_twice():
    model, seen = Scripted("a", "three", '{"n": "x"}', '{"n": 3}'), Seen()
    answer = await run([model], seen, output_schema=SCHEMA)
    assert answer.value == {"n": 3}
    assert answer.usage == seen.spent == Usage(30, 15, 0.03)
    said = [request.messages[-1].content for request in model.requests]
    assert "holds no JSON" in said[1]
    assert "'x' is not of type 'integer'" in said[2]
    assert [m.role for m in model.requests[2].messages] == ["system", "user", "assistant", "user"]


async def test_an_answer_that_stays_wrong_fails():
    model = Scripted("a", '{"n": "x"}')
    with pytest.raises(NodeFailed) as failure:
        await run([model], output_schema=SCHEMA)
    assert failure.value.code == "OUTPUT_INVALID"
    assert "integer" in failure.value.detail
    assert len(model.requests) == 3


async def test_an_answer_that_stays_cut_off_fails_as_such():
    cut = ChatAnswer('{"n": ', "a", Usage(1, 1), "length")
    model = Scripted("a", cut)
    with pytest.raises(NodeFailed) as failure:
        await run([model], output_schema=SCHEMA, max_tokens=3)
    assert (failure.value.code, failure.value.retryable) == ("OUTPUT_TRUNCATED", True)
    assert "shorter" in model.requests[1].messages[-1].content


async def test_no_more_answers_than_max_iterations_are_asked_for():
    model = Scripted("a", "no")
    with pytest.raises(NodeFailed):
        await run([model], output_schema=SCHEMA, max_iterations=1)
    assert len(model.requests) == 1


async def test_a_busy_model_is_asked_again_after_the_wait_it_asks_for():
    seen = Seen()
    failures = [ModelFailed("MODEL_RATE_LIMIT", "busy", retryable=True, retry_after_s=7), BUSY]
    assert (await run([Scripted("a", *failures, "ok")], seen)).value == "ok"
    assert seen.waits == [7, 2]
    assert seen.text == "half \n\n[the answer broke off; asking again]\n\n" * 2 + "ok"


async def test_only_so_many_retries():
    model, seen = Scripted("a", BUSY), Seen()
    with pytest.raises(ModelFailed) as failure:
        await run([model], seen, model_retries=3)
    assert failure.value.code == "MODEL_RATE_LIMIT"
    assert len(model.requests) == 4
    assert seen.waits == [1, 2, 4]


@pytest.mark.parametrize(
    "failure", [REFUSED, ModelFailed("MODEL_RATE_LIMIT", "tomorrow", retryable=True, retry_after_s=3600)]
)
async def test_what_waiting_cannot_help_is_not_tried_again(failure: ModelFailed):
    model, seen = Scripted("a", failure), Seen()
    with pytest.raises(ModelFailed):
        await run([model], seen)
    assert len(model.requests) == 1
    assert not seen.waits


async def test_fallbacks_come_after_the_retries_and_in_order():
    first, second, third = Scripted("a", BUSY), Scripted("b", REFUSED), Scripted("c", "from c")
    seen = Seen()
    answer = await run([first, second, third], seen, fallback_models=("b", "missing", "c"))
    assert (answer.value, answer.model) == ("from c", "c")
    assert [len(model.requests) for model in (first, second, third)] == [3, 1, 1]
    assert ("warning", "no missing; going on with c") in seen.logs


async def test_when_all_fail_the_last_failure_is_told():
    with pytest.raises(ModelFailed) as failure:
        await run([Scripted("a", BUSY), Scripted("b", REFUSED)], fallback_models=("b",))
    assert failure.value.code == "MODEL_AUTH"


@pytest.mark.parametrize("budget", [{"tokens": 20}, {"usd": 0.015}, {"calls": 2}])
async def test_once_the_budget_is_spent_no_further_call_is_made(budget: dict[str, Any]):
    model = Scripted("a", "no")
    with pytest.raises(BudgetExceeded) as failure:
        await run([model], output_schema=SCHEMA, limits=Limits(**budget))
    assert failure.value.code == "BUDGET_EXCEEDED"
    assert len(model.requests) == 2


async def test_cancelling_is_not_a_failure():
    class Waiting(Scripted):
        async def chat(self, request: ChatRequest, on_text: Callable[[str], None]) -> ChatAnswer:
            waiting.set()
            return await asyncio.Future()

    waiting = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run([Waiting("a", ""), Scripted("b", "no")], fallback_models=("b",)))
        await waiting.wait()
        task.cancel()
    assert task.cancelled()
