"""The agent node with tools, driven by the engine, with a model that follows a script."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from awe_app.agents.tool_calls import MOST_CALLS
from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.models import ModelFailed, Usage
from awe_app.domain.protocols import Capabilities
from awe_app.engine.deps import Deps, Signals
from awe_app.engine.execute import execute
from awe_app.engine.plan import prepare
from awe_app.nodes.registry import discover
from tests.agents.own_tools import MADE, Together, made
from tests.agents.scripted import COST, ByTurn, Directory, Scripted, calls
from tests.builders import graph, node, read, run

pytestmark = pytest.mark.usefixtures("own_tools")

SUM = ("calculator", {"expression": "2 + 2"})


def workflow(*tools: Any, retry: int = 1, **config: Any) -> dict[str, Any]:
    settings = {"user_prompt": "Do it.", "tools": list(tools), **config}
    return graph("agent -> end", node("agent", "agent", settings, retry={"max_attempts": retry, "backoff_s": 0}))


async def ask(model: Scripted, raw: dict[str, Any], **deps: Any) -> tuple[ExecutionState, list[ev.Event]]:
    return await run(raw, capabilities=Capabilities(Directory(model)), **deps)


def fold(events: list[ev.Event]) -> ExecutionState:
    return ExecutionState(ExecutionId("test")).fold(events)


def steps(happened: list[ev.Event]) -> list[dict[str, Any]]:
    return [dict(event.data or {}) for event in happened if isinstance(event, ev.StepTaken)]


def told(model: Scripted, request: int = -1) -> list[str]:
    """What tools gave, as the model reads it."""
    return [message.content for message in model.requests[request].messages if message.role == "tool"]


async def test_a_tool_is_called_and_the_model_answers_with_what_it_gave():
    model = ByTurn("a", calls(SUM, text="Let me see."), "It is 4.")
    state, happened = await ask(model, workflow("calculator"))
    assert (state.status, state.node_states[Path("agent")].output) == ("completed", "It is 4.")
    first, second = model.requests
    assert [tool.name for tool in first.tools] == ["calculator"]
    assert first.tools[0].parameters["required"] == ["expression"]
    assert [(m.role, m.content) for m in second.messages] == [
        ("user", "Do it."),
        ("assistant", "Let me see."),
        ("tool", "4"),
    ]
    assert second.messages[1].tool_calls[0].id == second.messages[2].tool_call_id == "c0"
    task, asked, sum_, answered = steps(happened)
    assert task["messages"] == [{"role": "user", "content": "Do it."}]
    assert asked | {"seconds": 0} == {
        "kind": "model",
        "iteration": 1,
        "model": "a",
        "text": "Let me see.",
        "tool_calls": [{"id": "c0", "name": "calculator", "arguments": '{"expression": "2 + 2"}'}],
        "finish_reason": "tool_calls",
        "usage": COST.as_json(),
        "seconds": 0,
        "reused": False,
    }
    assert sum_ | {"seconds": 0} == {
        "kind": "tool",
        "iteration": 1,
        "call_id": "c0",
        "tool": "calculator",
        "arguments": {"expression": "2 + 2"},
        "result": 4,
        "seconds": 0,
    }
    assert (answered["iteration"], answered["text"]) == (2, "It is 4.")
    assert state.usage == COST + COST
    lines = [line.message for line in state.logs if line.path == "agent"]
    assert lines[0] == "Begins with functions calculator"
    assert lines[1].startswith("a asks for calculator in ")
    assert lines[2].startswith("calculator answered in ")
    assert lines[3].startswith("a answered in ")


async def test_text_is_streamed_while_tools_are_used():
    streamed: list[str] = []
    model = ByTurn("a", calls(SUM, text="Let me see."), "It is 4.")
    raw = workflow("calculator")
    deps = Deps(ExecutionId("test"), Capabilities(Directory(model)))
    async for event in execute(prepare(read(raw), discover()), {}, deps):
        if isinstance(event, ev.TextStreamed):
            streamed.append(event.delta)
    assert streamed == ["Let me see.", "\n\n", "It is 4."]


async def test_calls_of_one_turn_run_together_and_answer_in_order():
    asked = [("together", {"text": str(n)}) for n in range(5)]
    model = ByTurn("a", calls(*asked), "Done.")
    await ask(model, workflow("together"))
    assert told(model) == ["0", "1", "2", "3", "4"]
    assert Together.most == 5


async def test_what_goes_wrong_with_a_tool_is_told_to_the_model():
    model = ByTurn(
        "a",
        calls(
            ("fails", {"text": "raining"}),
            ("fails", {"text": "bug"}),
            ("fails", {"text": "odd"}),
            ("fails", {"words": "x"}),
            ("fails", '{"text": '),
            ("fails", "[1]"),
            ("unheard_of", {}),
            ("fails", {"text": "large"}),
        ),
        "Sorry.",
    )
    state, happened = await ask(model, workflow("fails", "calculator"))
    assert state.status == "completed"
    raining, bug, odd, words, half, list_, unheard, large = told(model)
    assert raining == "Error: NOT_TODAY: raining (try tomorrow); it may work when it is called again"
    assert bug == "Error: it stopped with an unexpected ZeroDivisionError"
    assert odd == "Error: INVALID_RESULT: what it gave is not JSON"
    assert "there is no argument 'words'" in words
    assert "not a complete JSON object" in half
    assert "not a complete JSON object" in list_
    assert unheard == "Error: there is no function 'unheard_of'; known are fails, calculator"
    assert large.endswith("more characters; ask for less]")
    assert len(large) < 65_000
    assert sum("error" in step for step in steps(happened)) == 7


async def test_a_small_context_bounds_what_a_tool_may_give():
    model = ByTurn("a", calls(("fails", {"text": "large"})), "Done.")
    await run(workflow("fails"), capabilities=Capabilities(Directory(model, context_tokens=2_000)))
    assert len(told(model)[0]) < 2_100


async def test_after_max_iterations_one_last_answer_comes_without_tools():
    model = Scripted("a", calls(SUM), calls(SUM), "Enough: 4.")
    state, _ = await ask(model, workflow("calculator", max_iterations=2))
    assert state.node_states[Path("agent")].output == "Enough: 4."
    assert [bool(request.tools) for request in model.requests] == [True, True, False]
    assert model.requests[-1].messages[-1].role == "user"


async def test_no_last_answer_fails_the_node_and_a_further_try_begins_anew():
    model = Scripted("a", calls(SUM), calls(SUM), calls(SUM), "Four.")
    state, happened = await ask(model, workflow("calculator", max_iterations=1))
    assert (state.node_states[Path("agent")].error or {})["code"] == "MAX_ITERATIONS"
    assert sum(isinstance(event, ev.StepsForgotten) for event in happened) == 1
    model = Scripted("a", calls(SUM), calls(SUM), "Four.")
    state, _ = await ask(model, workflow("calculator", max_iterations=1, retry=2))
    assert state.node_states[Path("agent")].output == "Four."
    assert state.usage == COST + COST + COST


async def test_more_calls_than_a_turn_may_hold_are_not_made():
    asked = [("together", {"text": str(n)}) for n in range(1_000)]
    model = ByTurn("a", calls(*asked), "Done.")
    await ask(model, workflow("together"))
    assert len(made()) == MOST_CALLS == len(told(model))
    assert len(model.requests[-1].messages[-1 - MOST_CALLS].tool_calls) == MOST_CALLS


async def test_calls_without_a_name_of_their_own_get_one():
    answer = calls(SUM, SUM)
    answer = type(answer)(
        "", "a", COST, "tool_calls", tuple(type(c)("", c.name, c.arguments) for c in answer.tool_calls)
    )
    model = ByTurn("a", answer, "Done.")
    await ask(model, workflow("calculator"))
    assert [m.tool_call_id for m in model.requests[-1].messages if m.role == "tool"] == ["call_1_0", "call_1_1"]


async def test_the_schema_is_for_the_answer_after_the_tools():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    model = ByTurn("a", calls(SUM), "It is four.", '{"n": 4}')
    state, _ = await ask(model, workflow("calculator", output_schema=schema))
    assert state.node_states[Path("agent")].output == {"n": 4}
    assert [m.role for m in model.requests[2].messages] == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert all(request.output_schema == schema for request in model.requests)


@pytest.mark.parametrize(
    ("budget", "tools"),
    [({"tokens": 15}, 0), ({"usd": 0.01}, 0), ({"calls": 2}, 0), ({"calls": 3}, 2), ({"seconds": 1e-9}, 0)],
)
async def test_a_spent_budget_stops_models_and_tools(budget: dict[str, Any], tools: int):
    model = Scripted("a", calls(("page", {}), ("page", {})), calls(("page", {})))
    state, _ = await ask(model, workflow("page", budget=budget))
    assert (state.node_states[Path("agent")].error or {})["code"] == "BUDGET_EXCEEDED"
    assert len(model.requests) == 1
    assert len(made()) == tools


# Crashes


TALK = (calls(("page", {"text": "x"}), ("fails", {"text": "no"}), SUM), calls(("page", {"text": "y"})), "Done.")


async def test_after_a_crash_at_any_event_no_call_is_made_again():
    raw = workflow("page", "fails", "calculator")
    model = ByTurn("a", *TALK)
    whole, happened = await ask(model, raw)
    assert (whole.status, len(model.requests), len(made())) == ("completed", 3, 3)
    keys = {key for _tool, _text, key in MADE}
    for cut in range(1, len(happened)):
        MADE.clear()
        again = ByTurn("a", *TALK)
        _, later = await ask(again, raw, done=fold(happened[:cut]))
        before = steps(happened[:cut])
        together = fold([*happened[:cut], *later])
        assert (together.status, together.result) == ("completed", whole.result)
        assert len(again.requests) == 3 - sum(step["kind"] == "model" for step in before)
        tools = [step["tool"] for step in before if step["kind"] == "tool" and step["tool"] != "calculator"]
        assert len(made()) == 3 - len(tools)
        assert {key for _tool, _text, key in MADE} <= keys
        assert together.node_states[Path("agent")].usage == whole.node_states[Path("agent")].usage
        mark = [step["run"] for step in steps([*happened[:cut], *later]) if step["kind"] == "task"]
        assert len(mark) == 1
        last = again.requests[-1].messages if again.requests else ()
        assert not last or [m.content for m in last if m.role == "tool"][1] == told(model)[1]


async def test_a_further_try_goes_on_and_pays_once():
    model = Scripted("a", calls(("page", {"text": "x"})), ModelFailed("MODEL_AUTH", "no", retryable=True), "Done.")
    state, _ = await ask(model, workflow("page", retry=2, model_retries=0))
    assert (state.status, made()) == ("completed", [("page", "x")])
    assert state.usage == COST + COST


# People


def answers(happened: list[ev.Event], decision: str = "approved") -> Signals:
    """An answer to each question that was asked."""
    asked = [event.data["question"] for event in happened if isinstance(event, ev.NodeWaiting) and event.data]
    given = {"decision": decision, "by": "ann", "comment": "not there", "form": {}}
    return Signals({Path(f"agent?{question}"): {**given, "question": question} for question in asked})


async def to_the_end(
    model: Scripted, raw: dict[str, Any], decision: str = "approved"
) -> tuple[ExecutionState, list[ev.Event]]:
    """Run, answering what is asked; gives how it ended and all events."""
    state, happened = await ask(model, raw)
    for _ in range(10):
        if state.status != "waiting":
            break
        state, later = await ask(model, raw, done=fold(happened), signals=answers(happened, decision))
        happened += later
    return fold(happened), happened


def questions(happened: list[ev.Event]) -> list[Mapping[str, Any]]:
    return [event.data for event in happened if isinstance(event, ev.NodeWaiting) and event.data]


@pytest.mark.parametrize("entry", ["careful", {"name": "page", "requires_approval": True}])
async def test_a_call_waits_for_a_persons_word(entry: Any):
    name = entry if isinstance(entry, str) else entry["name"]
    model = ByTurn("a", calls((name, {"text": "x"}), SUM), "Done.")
    raw = workflow(entry, "calculator")
    state, happened = await ask(model, raw)
    assert (state.status, made()) == ("waiting", [])
    assert [step["tool"] for step in steps(happened) if step["kind"] == "tool"] == ["calculator"]
    (question,) = questions(happened)
    assert question["message"] == f'May the agent call {name} with {{"text": "x"}}?'
    assert (question["tool"], question["arguments"], question["form"]) == (name, {"text": "x"}, [])
    state, happened = await to_the_end(ByTurn("a", *model.script), raw)
    assert (state.status, made()) == ("completed", [(name, "x")])
    assert state.usage == COST + COST


async def test_a_tool_that_should_be_asked_for_need_not_be():
    model = ByTurn("a", calls(("careful", {"text": "x"})), "Done.")
    state, _ = await ask(model, workflow({"name": "careful", "requires_approval": False}))
    assert (state.status, made()) == ("completed", [("careful", "x")])


async def test_a_refusal_is_told_to_the_model():
    model = ByTurn("a", calls(("careful", {"text": "x"})), "I see.")
    state, _ = await to_the_end(model, workflow("careful"), "rejected")
    assert (state.status, made()) == ("completed", [])
    assert told(model) == ["Error: a person did not allow this call: not there"]


async def test_each_call_has_its_own_question_and_gets_its_own_answer():
    asked = ("careful", {"text": "x"}), ("waits", {"text": "y"}), ("page", {"text": "z"}), ("waits", {"text": "w"})
    model = ByTurn("a", calls(*asked), "Done.")
    state, happened = await to_the_end(model, workflow("careful", "waits", "page"))
    assert state.status == "completed"
    assert made() == [("page", "z"), ("careful", "x"), ("waits", "y"), ("waits", "w")]
    names = [question["question"] for question in questions(happened)]
    assert len(set(names)) == len(names) == 3
    assert json.loads(told(model)[1])["by"] == "ann"
    assert state.usage == COST + COST + Usage(2, 2, 1.0)


async def test_after_a_crash_at_any_event_answers_reach_their_call_once():
    asked = ("careful", {"text": "x"}), ("waits", {"text": "y"}), ("page", {"text": "z"})
    script = calls(*asked), "Done."
    raw = workflow("careful", "waits", "page")
    whole, happened = await to_the_end(ByTurn("a", *script), raw)
    for cut in range(1, len(happened)):
        MADE.clear()
        part = happened[:cut]
        for _ in range(5):
            state, later = await ask(ByTurn("a", *script), raw, done=fold(part), signals=answers(part))
            part = part + later
            if state.status != "waiting":
                break
        again = fold(part)
        assert (again.status, again.result, again.usage) == ("completed", whole.result, whole.usage)
        before = [step["tool"] for step in steps(happened[:cut]) if step["kind"] == "tool"]
        assert sorted(tool for tool, _text in made()) == sorted({"careful", "waits", "page"} - set(before))
