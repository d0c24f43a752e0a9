"""The bundled model calls tools: the convention, and the real model in its real process."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from awe_app.adapters.local_model import LocalModel
from awe_app.adapters.local_model_tools import arguments_request, next_tool, plain_messages, stated_results
from awe_app.domain.models import Attachment, ChatRequest, FunctionSpec, Message, ModelFailed, ToolCall
from awe_app.tools.calculator import Calculator, calculate

CALCULATOR = FunctionSpec("calculator", "Calculates.", Calculator.Arguments.model_json_schema())
SEARCH = FunctionSpec(
    "web_search",
    "Searches.",
    {"type": "object", "properties": {"query": {"type": "string"}, "n": {"type": "integer"}}, "required": ["query"]},
)
CLOCK = FunctionSpec("clock", "The time.", {"type": "object", "properties": {}})
TOOLS = (CALCULATOR, SEARCH, CLOCK)
CALL = ToolCall("call_1", "calculator", '{"expression": "2 + 2"}')


def asked(text: str, *later: Message, role: str = "") -> ChatRequest:
    system = (Message("system", role),) if role else ()
    return ChatRequest((*system, Message("user", text), *later), tools=TOOLS)


def called(request: ChatRequest) -> str | None:
    tool = next_tool(request)
    return tool.name if tool else None


@pytest.mark.parametrize(
    ("text", "role", "name"),
    [
        ("Use the calculator: 2 + 2", "", "calculator"),
        ("Use the Calculator: 2 + 2", "", "calculator"),
        ("Search: web search, then calculator", "", "web_search"),
        ("How much is 2 + 2?", "You use the calculator for sums.", "calculator"),
        ("What time is it? Ask the clock", "You use the calculator.", "clock"),
        ("How much is 2 + 2?", "", None),
        ("Sell calculators and clockwork", "", None),
    ],
)
def test_a_tool_is_called_when_it_is_named(text: str, role: str, name: str | None):
    assert called(asked(text, role=role)) == name


def test_each_named_tool_is_called_once_for_each_question():
    first = asked("Use the calculator and the clock")
    then = (Message("assistant", "", tool_calls=(CALL,)), Message("tool", "4", tool_call_id="call_1"))
    second = asked("Use the calculator and the clock", *then)
    both = (CALL, ToolCall("call_2", "clock", "{}"))
    done = asked("Use the calculator and the clock", Message("assistant", "", tool_calls=both))
    again = asked("Use the calculator", *then, Message("assistant", "4."), Message("user", "And calculator for 3 + 3?"))
    assert [called(request) for request in (first, second, done, again)] == ["calculator", "clock", None, "calculator"]


def test_texts_are_copied_from_the_prompt_and_the_rest_follows_the_schema():
    request = arguments_request(asked('Use the calculator for "(3 + 4) * 12", please.'), CALCULATOR)
    assert request
    assert request.output_schema
    runs = request.output_schema["properties"]["expression"]["enum"]
    assert "(3 + 4) * 12" in runs
    assert not any("calculator" in run or run.count("(") != run.count(")") for run in runs)
    request = arguments_request(asked("Use web_search for cats"), SEARCH)
    assert request
    assert request.output_schema
    assert request.output_schema["required"] == ["query"]
    assert list(request.output_schema["properties"]) == ["query"]


def test_a_long_prompt_is_searched_around_the_tools_name_only():
    text = "word " * 5_000 + "use the calculator for 17 * 23 " + "word " * 5_000
    request = arguments_request(asked(text), CALCULATOR)
    assert request
    assert request.output_schema
    runs = request.output_schema["properties"]["expression"]["enum"]
    assert "17 * 23" in runs
    assert len(json.dumps(request.output_schema)) < 500_000


def test_results_stand_below_their_question():
    later = (Message("assistant", "", tool_calls=(CALL,)), Message("tool", "4", tool_call_id="call_1"))
    plain = plain_messages(asked("Use the calculator", *later, role="Be kind."))
    assert [message.role for message in plain] == ["system", "user"]
    assert plain[1].content == "Use the calculator\n\nResult of calculator: 4"


@pytest.mark.parametrize(
    ("result", "stated"),
    [("4", "The calculator says 4."), ("x" * 100, None), ("a\nb", None), ("", None)],
)
def test_short_results_are_the_answer(result: str, stated: str | None):
    turns = (Message("assistant", "", tool_calls=(CALL,)), Message("tool", result, tool_call_id="call_1"))
    assert stated_results(asked("Use the calculator", *turns)) == stated
    schema: dict[str, Any] = {"type": "object"}
    assert stated_results(ChatRequest((Message("user", "?"), *turns), output_schema=schema)) is None


def test_a_text_file_is_read_and_a_picture_refused():
    note, picture = Attachment("a.txt", "text/plain", b"Hi"), Attachment("a.png", "image/png", b"x")
    (turn,) = plain_messages(ChatRequest((Message("user", "Read", attachments=(note,)),)))
    assert turn.content.endswith("Hi")
    with pytest.raises(ModelFailed) as failure:
        plain_messages(ChatRequest((Message("user", "Look", attachments=(picture,)),)))
    assert (failure.value.code, "a.png" in failure.value.detail) == ("UNSUPPORTED_INPUT", True)


@pytest.fixture
async def model() -> AsyncIterator[LocalModel]:
    model = LocalModel()
    yield model
    await model.stop()


async def test_the_real_model_calculates_by_tool(model: LocalModel):
    request = asked("What is 17 * 23? Use the calculator.")
    answer = await model.chat(request, lambda _: None)
    (call,) = answer.tool_calls
    assert (answer.text, answer.finish_reason, call.name) == ("", "tool_calls", "calculator")
    assert answer.usage.completion_tokens > 0
    result = calculate(json.loads(call.arguments)["expression"])
    turns = (Message("assistant", "", tool_calls=(call,)), Message("tool", str(result), tool_call_id=call.id))
    pieces: list[str] = []
    last = await model.chat(asked("What is 17 * 23? Use the calculator.", *turns), pieces.append)
    assert last.text == "".join(pieces) == "The calculator says 391."
    assert not last.tool_calls


async def test_a_tool_without_arguments_needs_no_model(model: LocalModel):
    (call,) = (await model.chat(asked("Ask the clock."), lambda _: None)).tool_calls
    assert (call.name, call.arguments) == ("clock", "{}")
    assert model.pid is None
