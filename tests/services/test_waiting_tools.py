"""Tools that wait for a person or for another execution, in the tool node and several times in one node."""

from typing import Any

import pytest

from awe_app.domain.errors import Invalid, NodeFailed, Paused
from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.options import Parent
from awe_app.domain.signals import answer_key
from awe_app.tools.base import ToolContext, read_arguments, read_settings
from awe_app.tools.registry import find_tool
from tests.builders import graph, node
from tests.services.conftest import House
from tests.services.test_children import DOUBLE, children, store
from tests.services.test_waiting import answer, begin, reach

ASK = Path("ask")


def tool(node_id: str, name: str, arguments: dict[str, Any], settings: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return node(node_id, "tool", {"tool": name, "arguments": arguments, "settings": settings}, **rest)


class CallsConfig(NodeConfig):
    workflow_id: str
    words: tuple[str, ...]


class Calls(Node[CallsConfig]):
    """What an agent does with the workflow tool: one call after another, each a step with a question of its own."""

    type, title, icon, category = "calls", "Calls", "phone", "AI"
    effectful = True

    async def run(self, ctx: NodeContext[CallsConfig]) -> Outputs:
        used = find_tool("workflow")
        settings = read_settings(used, {"workflow_id": ctx.config.workflow_id})
        gave = []
        for place, word in enumerate(ctx.config.words):
            question = f"tool/{place}"
            if (step := ctx.steps.known(question)) is None:
                mine = ctx.waiting is not None and (ctx.waiting.data or {}).get("question") == question
                call = ToolContext(
                    read_arguments(used, {"word": word}),
                    ctx.user_id,
                    ctx.capabilities,
                    question,
                    settings=settings,
                    parent=Parent(ctx.execution_id, answer_key(ctx.path, {"question": question})),
                    waiting=ctx.waiting if mine else None,
                    signal=ctx.signal if mine else None,
                    spend=ctx.spend,
                )
                try:
                    step = {"gave": await used().run(call)}
                except NodeFailed as failure:
                    step = {"gave": failure.code}
                except Paused as pause:
                    raise Paused(pause.reason, pause.until, {**(pause.data or {}), "question": question}) from None
                await ctx.steps.record(question, word, step)
            gave.append(step["gave"])
        return {"out": gave}


async def test_a_person_answers_what_a_tool_asks(house: House) -> None:
    arguments = {"message": "Which one?", "choices": ["tea", "coffee"], "form": [{"name": "n", "type": "integer"}]}
    asking = graph("ask -> end", tool("ask", "ask_human", arguments, {"assignees": ["ben"]}), node("end", "output", {}))
    execution_id = await begin(house, asking)
    waits = await reach(house, execution_id, "waiting")
    event = waits.node_states[ASK].waiting
    assert event is not None
    assert event.data is not None
    assert (event.reason, event.data["message"], event.data["assignees"]) == ("approval", "Which one?", ["ben"])
    with pytest.raises(Invalid, match="INVALID_INPUT"):
        await answer(house, execution_id, choice="milk")
    await house.executions.answer(house.other, execution_id, ASK, "approved", "hot", {"choice": "tea", "n": "2"})
    ended = await reach(house, execution_id, "completed")
    assert ended.result == {"decision": "approved", "by": "ben", "comment": "hot", "form": {"choice": "tea", "n": 2}}


async def test_a_question_that_nobody_answers_fails_in_time(house: House) -> None:
    asking = graph("ask", tool("ask", "ask_human", {"message": "Anybody?"}, {"timeout_s": 0.05}))
    execution_id = await begin(house, asking)
    ended = await reach(house, execution_id, "failed")
    assert ended.error is not None
    assert ended.error["code"] == "APPROVAL_TIMEOUT"


async def test_a_workflow_is_run_as_a_tool_and_its_cost_counts(house: House) -> None:
    inner = await store(house, DOUBLE)
    raw = graph("call -> end", tool("call", "workflow", {"word": "ab"}, {"workflow_id": inner}), node("end", "output"))
    raw["nodes"][1]["output_config"] = {}
    ended = await house.executions.wait(house.user, await begin(house, raw), 30)
    assert (ended.status, ended.result) == ("completed", "abab")
    assert len(await children(house, inner)) == 1


async def test_several_calls_of_one_node_are_executions_of_their_own(house: House) -> None:
    await house.stop()
    house.start({"calls": Calls})
    await house.executions.adopt()
    inner = await store(house, DOUBLE)
    config = {"workflow_id": inner, "words": ["a", "b", "a", "c"]}
    ended = await house.executions.wait(house.user, await begin(house, graph("c", node("c", "calls", config))), 60)
    assert ended.result == {"c": ["aa", "bb", "aa", "cc"]}
    assert sorted(str(child.result) for child in await children(house, inner)) == ["aa", "aa", "bb", "cc"]


async def test_a_failed_call_is_told_and_the_next_one_is_made(house: House) -> None:
    await house.stop()
    house.start({"calls": Calls})
    await house.executions.adopt()
    failing = graph(
        "start -> sum -> end",
        node("start", "input", {"fields": [{"name": "word", "type": "text"}]}),
        tool("sum", "calculator", {"expression": "{{ inputs.word }}"}, {}),
        node("end", "output", {}),
    )
    inner = await store(house, failing)
    config = {"workflow_id": inner, "words": ["1 / 0", "1 + 1"]}
    ended = await house.executions.wait(house.user, await begin(house, graph("c", node("c", "calls", config))), 60)
    assert ended.result == {"c": ["SUBWORKFLOW_FAILED", 2]}


async def test_calls_go_on_after_a_crash_and_nothing_is_started_twice(house: House) -> None:
    await house.stop()
    house.start({"calls": Calls, "gate": house.gate})
    await house.executions.adopt()
    inner = graph(
        "start -> g -> twice",
        node("start", "input", {"fields": [{"name": "word", "type": "text"}]}),
        node("g", "gate"),
        node("twice", config={"template": "{{ inputs.word }}{{ inputs.word }}"}),
    )
    workflow_id = await store(house, inner)
    config = {"workflow_id": workflow_id, "words": ["a", "b"]}
    parent = await begin(house, graph("c", node("c", "calls", config)))
    await house.gate.reached.wait()
    await reach(house, parent, "waiting")
    await house.stop()
    house.gate.open.set()
    house.start({"calls": Calls, "gate": house.gate})
    await house.executions.adopt()
    ended = await house.executions.wait(house.user, parent, 60)
    assert ended.result == {"c": [{"twice": "aa"}, {"twice": "bb"}]}
    assert len(await children(house, workflow_id)) == 2


async def test_cancelling_the_caller_stops_the_workflow_it_called(house: House) -> None:
    inner = await store(house, graph("g", node("g", "gate")))
    parent = await begin(house, graph("call", tool("call", "workflow", {}, {"workflow_id": inner})))
    await house.gate.reached.wait()
    await reach(house, parent, "waiting")
    await house.executions.cancel(house.user, parent)
    [child] = await children(house, inner)
    await reach(house, ExecutionId(child.execution_id), "cancelled")


async def test_a_workflow_offers_its_name_and_its_fields(house: House) -> None:
    fields = [
        {"name": "topic", "type": "text", "label": "Topic", "required": True, "description": "What it is about."},
        {"name": "tone", "type": "select", "options": ["plain", "warm"], "default": "plain"},
        {"name": "pages", "type": "integer"},
        {"name": "sources", "type": "list"},
    ]
    raw = graph("start", node("start", "input", {"fields": fields}), description="Writes a brief.")
    raw["name"] = "Research brief (2)"
    mine = await store(house, raw)
    used = find_tool("workflow")
    capabilities = house.executions._driver.capabilities
    [offer] = await used.offers(read_settings(used, {"workflow_id": mine}), house.user.id, capabilities)
    function = offer.function
    assert (function.name, function.description) == ("run_research_brief_2", "Writes a brief.")
    assert function.parameters == {
        "type": "object",
        "properties": {
            "topic": {"type": "string", "description": "Topic. What it is about"},
            "tone": {"type": "string", "enum": ["plain", "warm"], "default": "plain"},
            "pages": {"type": "integer"},
            "sources": {"type": "array", "items": {}},
        },
        "required": ["topic"],
        "additionalProperties": False,
    }
    named = read_settings(used, {"workflow_id": mine, "name": "brief", "description": "Brief me."})
    [offer] = await used.offers(named, house.user.id, capabilities)
    assert (offer.function.name, offer.function.description) == ("brief", "Brief me.")
    with pytest.raises(NodeFailed, match="WORKFLOW_NOT_FOUND"):
        await used.offers(read_settings(used, {"workflow_id": mine}), house.other.id, capabilities)


async def test_a_workflow_that_cannot_run_is_told_before_it_is_offered(house: House) -> None:
    draft = await store(house, graph("t", node("t", "tool", {})))
    used = find_tool("workflow")
    with pytest.raises(NodeFailed, match="INVALID_WORKFLOW"):
        await used.offers(
            read_settings(used, {"workflow_id": draft}), house.user.id, house.executions._driver.capabilities
        )
