"""The agent node's tools: what validation says of them, and a whole talk over HTTP."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.local_model import LocalModel
from awe_app.adapters.model_directory import Models
from awe_app.domain import events as ev
from awe_app.domain.ids import Path, UserId
from awe_app.domain.models import ToolCall
from awe_app.domain.protocols import Capabilities
from awe_app.engine.validate import validate
from awe_app.nodes.registry import discover
from tests.builders import graph, node, read, run
from tests.model_server import ModelServer, Reply


class Kept:
    """Settings of one user."""

    def __init__(self, base_url: str) -> None:
        self._entry = {"id": "mine", "kind": "openai_compatible", "base_url": base_url, "models": ["gpt-4o-mini"]}

    async def get(self, user_id: UserId) -> dict[str, Any]:
        return {"providers": [self._entry]}


@pytest.fixture
async def started() -> AsyncIterator[list[Models]]:
    made: list[Models] = []
    yield made
    for models in made:
        await models.stop()


def found(tools: Any) -> list[tuple[str, str | None]]:
    raw = graph("a", node("a", "agent", {"user_prompt": "x", "tools": tools}))
    return [(issue.code, issue.field) for issue in validate(read(raw), discover())]


@pytest.mark.parametrize(
    "tools",
    [
        [],
        ["calculator", "http_request"],
        [{"name": "calculator"}],
        [{"name": "calculator", "requires_approval": True, "settings": {}}],
        ["{{ variables.tool }}"],
        [{"name": "{{ variables.tool }}", "settings": {"x": 1}}],
        "{{ variables.tools }}",
        [{"name": "workflow", "settings": {"workflow_id": "{{ variables.id }}"}}],
        [{"name": "workflow", "settings": "{{ variables.settings }}"}],
    ],
)
def test_tools_that_may_work_are_accepted(tools: Any):
    raw = graph(
        "a",
        node("a", "agent", {"user_prompt": "x", "tools": tools}),
        variables={"tool": 1, "tools": [], "id": 1, "settings": {}},
    )
    assert [issue for issue in validate(read(raw), discover()) if issue.severity == "error"] == []


@pytest.mark.parametrize(
    ("tools", "issue"),
    [
        (["calculater"], ("UNKNOWN_TOOL", "agent_config.tools.0")),
        (["calculator", {"name": "no"}], ("UNKNOWN_TOOL", "agent_config.tools.1")),
        ([{"name": "calculator", "settings": {"a": 1}}], ("INVALID_SETTING", "agent_config.tools.0.settings.a")),
        (["workflow"], ("INVALID_SETTING", "agent_config.tools.0.settings.workflow_id")),
        ([{"name": "calculator", "ask": True}], ("UNKNOWN_KEY", "agent_config.tools.0.use.ask")),
        ([{"settings": {}}], ("MISSING_SETTING", "agent_config.tools.0.use.name")),
    ],
)
def test_tools_that_cannot_work_are_found_when_drawn(tools: Any, issue: tuple[str, str]):
    assert found(tools) == [issue]


async def test_a_whole_talk_over_http(started: list[Models]):
    asked = ToolCall("call-1", "calculator", '{"expression": "6 * 7"}'), ToolCall("call-2", "calculator", '{"expr": 1}')
    async with ModelServer(Reply("", tool_calls=asked), Reply("It is 42.")) as server:
        started.append(Models(Kept(server.base_url), Secrets("key"), LocalModel(), [server.host]))
        raw = graph("a", node("a", "agent", {"user_prompt": "6 times 7?", "tools": ["calculator"]}))
        state, happened = await run(raw, capabilities=Capabilities(started[0]), user_id=UserId("ada"))
    assert state.result == {"a": "It is 42."}
    first, second = server.requests
    assert [tool["function"]["name"] for tool in first["tools"]] == ["calculator"]
    user, assistant, right, wrong = second["messages"]
    assert user == {"role": "user", "content": "6 times 7?"}
    assert [call["id"] for call in assistant["tool_calls"]] == ["call-1", "call-2"]
    assert (right["role"], right["tool_call_id"], json.loads(right["content"])) == ("tool", "call-1", 42)
    assert "there is no argument 'expr'" in wrong["content"]
    kinds = [(event.data or {})["kind"] for event in happened if isinstance(event, ev.StepTaken)]
    assert kinds[0:2] == ["task", "model"]
    assert sorted(kinds[2:4]) == ["tool", "tool"]
    assert kinds[4:] == ["model"]
    assert state.node_states[Path("a")].attempts == 1


async def test_an_answer_without_end_is_broken_off(started: list[Models]):
    endless = Reply(" ".join(["x" * 100_000] * 30))
    async with ModelServer(endless) as server:
        started.append(Models(Kept(server.base_url), Secrets("key"), LocalModel(), [server.host]))
        raw = graph("a", node("a", "agent", {"user_prompt": "Go on."}))
        state, _ = await run(raw, capabilities=Capabilities(started[0]), user_id=UserId("ada"))
    assert (state.node_states[Path("a")].error or {})["code"] == "ANSWER_TOO_LONG"
    assert len(server.requests) == 1
