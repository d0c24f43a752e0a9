"""Providers with a wire format of their own, through the real litellm over a real socket."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from awe_app.adapters.http import HttpClient
from awe_app.adapters.llm import LiteLLMModel
from awe_app.adapters.model_access import Access
from awe_app.adapters.openai_chat import OpenAIChatModel
from awe_app.adapters.outbound import Outbound
from awe_app.domain.models import Attachment, ChatAnswer, ChatRequest, FunctionSpec, Message, ModelFailed, ToolCall
from tests import provider_servers
from tests.http_server import Answer, Asked, HttpServer, never
from tests.model_server import ModelServer, Reply

KEY = "sk-very-secret-0123456789"
ASK = ChatRequest((Message("system", "Be kind."), Message("user", "Hello")))
PARAMETERS = {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]}
CALCULATE = FunctionSpec("calculator", "Calculates.", PARAMETERS)
WITH_TOOLS = ChatRequest(ASK.messages, tools=(CALCULATE,))
SUM = ToolCall("call_1", "calculator", '{"expression": "2 + 2"}')
PRODUCT = ToolCall("call_2", "calculator", '{"expression": "2 * 3"}')
SPEAKS: dict[str, Callable[..., Answer]] = {
    "anthropic": provider_servers.anthropic,
    "gemini": provider_servers.gemini,
}
PATHS = {
    "anthropic": "/v1/messages",
    "gemini": "/models/m:streamGenerateContent?alt=sse",
}
KEYS = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}
every_kind = pytest.mark.parametrize("kind", sorted(SPEAKS))


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with HttpServer() as running:
        yield running


def model(kind: str, server: HttpServer, stall_s: float = 30) -> LiteLLMModel:
    return LiteLLMModel(Access("mine", kind, server.url, KEY), "m", Outbound([server.host]), stall_s)  # type: ignore[arg-type]


async def ask(kind: str, server: HttpServer, answer: Answer, request: ChatRequest = ASK) -> ChatAnswer:
    server.otherwise = answer
    return await model(kind, server).chat(request, lambda _: None)


async def failure_of(kind: str, server: HttpServer, answer: Answer, request: ChatRequest = ASK) -> ModelFailed:
    with pytest.raises(ModelFailed) as failure:
        await ask(kind, server, answer, request)
    return failure.value


def sent(server: HttpServer) -> Any:
    return json.loads(server.asked[-1].body)


@every_kind
async def test_it_answers_streams_and_counts(server: HttpServer, kind: str):
    server.otherwise = SPEAKS[kind]("One two three.")
    pieces: list[str] = []
    answer = await model(kind, server).chat(ASK, pieces.append)
    assert answer.text == "".join(pieces) == "One two three."
    assert len(pieces) > 1
    assert (answer.finish_reason, answer.tool_calls) == ("stop", ())
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (11, 7)
    (asked,) = server.asked
    assert asked.target == PATHS[kind]
    assert asked.headers[KEYS[kind]].removeprefix("Bearer ") == KEY


@every_kind
async def test_calls_of_tools_come_back(server: HttpServer, kind: str):
    answer = await ask(kind, server, SPEAKS[kind]("Let me see.", [SUM, PRODUCT]), WITH_TOOLS)
    assert [call.name for call in answer.tool_calls] == ["calculator", "calculator"]
    assert [json.loads(call.arguments) for call in answer.tool_calls] == [
        {"expression": "2 + 2"},
        {"expression": "2 * 3"},
    ]
    assert len({call.id for call in answer.tool_calls}) == 2
    assert (answer.text, answer.finish_reason) == ("Let me see.", "tool_calls")
    assert '"calculator"' in json.dumps(sent(server)["tools"])


TURNS = (
    Message("user", "How much?"),
    Message("assistant", "", tool_calls=(SUM, PRODUCT)),
    Message("tool", "4", tool_call_id="call_1"),
    Message("tool", "6", tool_call_id="call_2"),
)


async def test_anthropic_is_told_calls_and_results(server: HttpServer):
    await ask("anthropic", server, SPEAKS["anthropic"]("It is 4."), ChatRequest(TURNS, tools=(CALCULATE,)))
    body = sent(server)
    _question, called, results = body["messages"]
    assert [part["id"] for part in called["content"] if part["type"] == "tool_use"] == ["call_1", "call_2"]
    assert called["content"][0]["input"] == {"expression": "2 + 2"}
    assert [part["tool_use_id"] for part in results["content"]] == ["call_1", "call_2"]
    assert body["tools"][0]["input_schema"]["required"] == ["expression"]


async def test_gemini_is_told_calls_and_results(server: HttpServer):
    await ask("gemini", server, SPEAKS["gemini"]("It is 4."), ChatRequest(TURNS, tools=(CALCULATE,)))
    body = json.dumps(sent(server))
    assert '"args": {"expression": "2 + 2"}' in body
    assert "functionResponse" in body or "function_response" in body


@every_kind
async def test_an_image_goes_along(server: HttpServer, kind: str):
    picture = Attachment("a.png", "image/png", b"PNG")
    request = ChatRequest((Message("user", "What is this?", attachments=(picture,)),))
    await ask(kind, server, SPEAKS[kind]("A test."), request)
    assert base64.b64encode(b"PNG").decode() in server.asked[-1].body.decode()


@every_kind
async def test_a_schema_is_handed_on(server: HttpServer, kind: str):
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}
    answer = SPEAKS[kind]('{"colour":"red"}')
    if kind == "anthropic":  # litellm asks it for a schema by a tool, where the model knows no other way
        answer = SPEAKS[kind]("", [ToolCall("call_1", "json_tool_call", '{"colour":"red"}')])
    said = await ask(kind, server, answer, ChatRequest(ASK.messages, output_schema=schema))
    assert json.loads(said.text) == {"colour": "red"}
    assert not said.tool_calls
    assert said.finish_reason == "stop"
    assert "colour" in server.asked[-1].body.decode()


@every_kind
async def test_a_limit_that_cuts_the_answer_is_told(server: HttpServer, kind: str):
    words = {"anthropic": "max_tokens", "gemini": "MAX_TOKENS"}
    answer = SPEAKS[kind]("One two", stop=words[kind])
    said = await ask(kind, server, answer, ChatRequest(ASK.messages, temperature=0.5, max_tokens=2))
    assert said.finish_reason == "length"
    assert "0.5" in server.asked[-1].body.decode()


@every_kind
async def test_an_answer_that_breaks_off_is_none(server: HttpServer, kind: str):
    failure = await failure_of(kind, server, SPEAKS[kind]("One two three.", cut=True))
    assert (failure.code, failure.retryable) == ("MODEL_UNAVAILABLE", True)


@every_kind
@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "MODEL_ERROR", False),
        (401, "MODEL_AUTH", False),
        (404, "MODEL_ERROR", False),
        (429, "MODEL_RATE_LIMIT", True),
        (500, "MODEL_UNAVAILABLE", True),
        (529, "MODEL_UNAVAILABLE", True),
    ],
)
async def test_each_refusal_has_its_code(server: HttpServer, kind: str, status: int, code: str, retryable: bool):
    refusal = provider_servers.refuses(kind, status, f"no, not with {KEY}", retry_after="7")
    failure = await failure_of(kind, server, refusal)
    assert (failure.code, failure.retryable) == (code, retryable)
    assert KEY not in f"{failure} {failure.detail} {failure.hint}"
    if status == 429:
        assert failure.retry_after_s == 7


@every_kind
async def test_a_silent_provider_is_given_up(server: HttpServer, kind: str):
    server.otherwise = never
    with pytest.raises(ModelFailed) as failure:
        await model(kind, server, 0.5).chat(ASK, lambda _: None)
    assert (failure.value.code, failure.value.retryable) == ("MODEL_TIMEOUT", True)


@every_kind
async def test_what_is_no_answer_is_a_failure(server: HttpServer, kind: str):
    async def nonsense(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Type: text/html\r\n\r\n<html/>")

    failure = await failure_of(kind, server, nonsense)
    assert failure.code in ("MODEL_ERROR", "MODEL_UNAVAILABLE")


async def test_azure_has_its_own_paths_and_key():
    async with ModelServer(Reply("", tool_calls=[SUM])) as server:
        url = f"http://{server.host}?api-version=2025-01-01"
        access = Access("mine", "azure", url, KEY)
        answer = await LiteLLMModel(access, "my-gpt", Outbound([server.host])).chat(WITH_TOOLS, lambda _: None)
    assert server.paths == ["/openai/deployments/my-gpt/chat/completions?api-version=2025-01-01"]
    assert server.headers[0]["api-key"] == KEY
    assert answer.tool_calls == (SUM,)


async def test_mistral_is_sent_what_it_knows():
    request = ChatRequest(TURNS, max_tokens=9, tools=(CALCULATE,))
    async with ModelServer(Reply("It is 4.", tool_calls=[SUM])) as server:
        access = Access("mine", "mistral", server.base_url, KEY)
        answer = await LiteLLMModel(access, "m", Outbound([server.host])).chat(request, lambda _: None)
    (body,) = server.requests
    assert server.paths == ["/v1/chat/completions"]
    assert body["max_tokens"] == 9
    assert body["tools"][0]["function"]["name"] == "calculator"
    assert answer.tool_calls == (SUM,)


@pytest.mark.parametrize("path", ["", "/v1"])
async def test_ollama_is_called_by_its_openai_interface(path: str):
    async with ModelServer(Reply("", tool_calls=[SUM])) as server:
        client = HttpClient([server.host])
        access = Access("mine", "ollama", f"http://{server.host}{path}")
        answer = await OpenAIChatModel(access, "m", client).chat(WITH_TOOLS, lambda _: None)
        await client.stop()
    assert server.paths == ["/v1/chat/completions"]
    assert answer.tool_calls == (SUM,)
