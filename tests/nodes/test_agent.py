"""The agent node, with the real local model behind it."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.local_model import LocalModel
from awe_app.adapters.model_directory import Models
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import ExecutionId, NodeId, Path, UserId
from awe_app.domain.models import Usage
from awe_app.domain.node import NodeContext
from awe_app.domain.protocols import Capabilities
from awe_app.nodes.agent import Agent, AgentConfig
from awe_app.nodes.registry import discover
from tests.model_server import ModelServer, Reply

MOOD = {
    "type": "object",
    "properties": {"mood": {"type": "string", "enum": ["happy", "unhappy"]}},
    "required": ["mood"],
    "additionalProperties": False,
}
USER = UserId("ada")


class Run:
    """One run of the node, and what it told."""

    def __init__(self, models: Models, **config: Any) -> None:
        self.text, self.usage, self.logs = "", Usage(), list[tuple[str, dict[str, Any]]]()
        self.steps = dict[str, Mapping[str, Any]]()
        self.ctx = NodeContext(
            execution_id=ExecutionId("e"),
            user_id=USER,
            node_id=NodeId("writer"),
            path=Path("writer"),
            config=AgentConfig.model_validate(config),
            inputs={},
            incoming={},
            execution_inputs={},
            capabilities=Capabilities(models),
            log=lambda message, level="info", **data: self.logs.append((message, data)),
            stream=self._stream,
            spend=self._spend,
            steps=self,
        )

    def known(self, key: str) -> Mapping[str, Any] | None:
        return self.steps.get(key)

    async def record(self, key: str, message: str, data: Mapping[str, Any], level: str = "info") -> None:
        self.steps[key] = data
        self.logs.append((message, dict(data)))

    def forget(self) -> None:
        self.steps.clear()

    def _stream(self, delta: str) -> None:
        self.text += delta

    def _spend(self, usage: Usage, once: str | None = None) -> None:
        self.usage += usage

    async def output(self) -> Any:
        outputs = await Agent().run(self.ctx)
        assert list(outputs) == ["out"]
        return outputs["out"]


class Kept:
    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    async def get(self, user_id: UserId) -> dict[str, Any]:
        return self.settings


MADE: list[Models] = []
"""What has to be stopped after the test."""


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    while MADE:
        await MADE.pop().stop()


def of(server: ModelServer) -> Models:
    entry = {"id": "mine", "kind": "openai_compatible", "base_url": server.base_url, "models": ["gpt-4o-mini"]}
    MADE.append(Models(Kept({"providers": [entry]}), Secrets("key"), LocalModel(), [server.host]))
    return MADE[-1]


@pytest.fixture
async def local() -> AsyncIterator[Models]:
    model = LocalModel()
    yield Models(Kept({}), Secrets("key"), model)
    await model.stop()


def test_it_is_a_node_type():
    assert discover()["agent"] is Agent
    assert Agent.effectful


async def test_the_local_model_answers_without_any_settings(local: Models):
    run = Run(local, user_prompt="What is the capital of France?")
    output = await run.output()
    assert "Paris" in output
    assert run.text == output
    assert run.usage.completion_tokens > 0
    message, data = run.logs[-1]
    assert message.startswith("local/smollm2-135m-instruct answered in ")
    assert data["usage"]["completion_tokens"] == run.usage.completion_tokens


async def test_an_output_schema_gives_an_object(local: Models):
    output = await Run(local, user_prompt="I am so glad, thank you! Happy or unhappy?", output_schema=MOOD).output()
    assert output in ({"mood": "happy"}, {"mood": "unhappy"})


async def test_json_that_is_cut_off_is_said_so(local: Models):
    schema = {"type": "object", "properties": {"story": {"type": "string", "minLength": 200}}, "required": ["story"]}
    with pytest.raises(NodeFailed) as failure:
        await Run(local, user_prompt="Tell a story.", output_schema=schema, max_tokens=12).output()
    assert failure.value.code == "OUTPUT_TRUNCATED"


async def test_a_provider_of_the_user_answers():
    async with ModelServer(Reply("One two.")) as server:
        run = Run(of(server), user_prompt={"n": 1}, system_prompt="Be brief.", temperature=0, max_tokens=5)
        assert await run.output() == "One two."
    assert run.usage == Usage(11, 7, run.usage.cost_usd)
    assert server.requests[0]["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": '{"n": 1}'},
    ]


async def test_a_provider_in_trouble_is_asked_again_and_then_the_fallback(local: Models):
    async with ModelServer(Reply(status=503, headers={"retry-after": "0"})) as server:
        models = of(server)
        run = Run(models, user_prompt="Say hello.", fallback_models=["local/smollm2-135m-instruct"], max_tokens=5)
        try:
            assert await run.output()
        finally:
            await models.local_model.stop()
    assert len(server.requests) == 3


async def test_a_broken_off_answer_is_asked_for_again():
    async with ModelServer(Reply("One two three", cut_after=1), Reply("One two three")) as server:
        run = Run(of(server), user_prompt="Count.")
        assert await run.output() == "One two three"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"user_prompt": "  "},
        {"user_prompt": "x", "tools": "calculator"},
        {"user_prompt": "x", "tools": [{"name": "calculator", "approval": True}]},
        {"user_prompt": "x", "tools": [7]},
        {"user_prompt": "x", "memory": {"forever": True}},
        {"user_prompt": "x", "memory": {"store": "all"}},
        {"user_prompt": "x", "temperature": 3},
        {"user_prompt": "x", "max_tokens": 0},
        {"user_prompt": "x", "output_schema": {"type": "objekt"}},
        {"user_prompt": "x", "budget": {"euros": 1}},
        {"user_prompt": "x", "budget": {"tokens": 0}},
    ],
)
def test_settings_that_do_not_work_are_refused(config: dict[str, Any]):
    with pytest.raises(ValidationError):
        AgentConfig.model_validate(config)


@pytest.mark.parametrize(
    ("config", "summary"),
    [
        ({}, "Default model"),
        ({"model": "openai/gpt-4o-mini"}, "gpt-4o-mini"),
        ({"provider": "work", "model": "gpt-4o"}, "gpt-4o"),
        ({"model": "local/smollm2-135m-instruct"}, "Local model"),
        ({"provider": "local"}, "Local model"),
        ({"model": 7}, "Default model"),
        ({"model": "openai/gpt-4o", "tools": ["calculator"]}, "gpt-4o · 1 tool"),
        ({"tools": ["a", "b"], "memory": {"long_term": True}}, "Default model · 2 tools · memory"),
        ({"memory": {"short_term": False}, "tools": "{{ x }}"}, "Default model"),
    ],
)
def test_the_card_says_which_model_and_what_it_has(config: dict[str, Any], summary: str):
    assert Agent.summary(config) == summary
