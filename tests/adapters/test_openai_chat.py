"""The direct client for OpenAI's protocol: what servers send that keep to it more or less. See also test_llm.py."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest

from awe_app.adapters.http import HttpClient
from awe_app.adapters.model_access import Access
from awe_app.adapters.openai_chat import OpenAIChatModel
from awe_app.domain.models import ChatAnswer, ChatRequest, Message, ModelFailed
from tests.http_server import Answer, Asked, HttpServer, says, sends_on
from tests.model_server import ModelServer, Reply

KEY = "sk-very-secret-0123456789"
ASK = ChatRequest((Message("user", "Hello"),))
SCHEMA = {"type": "object"}


@pytest.fixture
async def server() -> AsyncIterator[HttpServer]:
    async with HttpServer() as running:
        yield running


@pytest.fixture
async def client(server: HttpServer) -> AsyncIterator[HttpClient]:
    made = HttpClient([server.host])
    yield made
    await made.stop()


def model(server: HttpServer, client: HttpClient, kind: Any = "openai_compatible") -> OpenAIChatModel:
    return OpenAIChatModel(Access("mine", kind, f"{server.url}/v1/", KEY), "m", client, 30)


async def ask(server: HttpServer, client: HttpClient, request: ChatRequest = ASK) -> ChatAnswer:
    return await model(server, client).chat(request, lambda _: None)


async def failure_of(server: HttpServer, client: HttpClient) -> ModelFailed:
    with pytest.raises(ModelFailed) as failure:
        await ask(server, client)
    return failure.value


def event(text: str | None = None, end: str | None = None, **rest: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": end}
    return b"data: " + json.dumps({"choices": [choice], **rest}, ensure_ascii=False).encode() + b"\n\n"


def streams(*pieces: bytes, whole: bool = True) -> Answer:
    """The pieces one by one as a chunked body, hanging up in the middle of it unless ``whole``."""

    async def answer(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for piece in pieces:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0)
        if not whole:
            raise ConnectionResetError
        writer.write(b"0\r\n\r\n")

    return answer


def in_turn(*answers: Answer) -> Answer:
    left = list(answers)

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await left.pop(0)(asked, writer)

    return answer


def refuses(message: str, status: int = 400, **rest: Any) -> Answer:
    return says(json.dumps({"error": {"message": message, **rest}}), status, "application/json")


GOOD = streams(event("Hi"), event(end="stop"), b"data: [DONE]\n\n")


async def test_pieces_may_end_anywhere(server: HttpServer, client: HttpClient):
    counts = {"prompt_tokens": 3, "completion_tokens": 2}
    last = b"data: " + json.dumps({"choices": [], "usage": counts}).encode() + b"\r\n\r\n"
    body = b": hello\n\n" + event("Grüße, ") + event("世界") + event(end="stop") + last + b"data: [DONE]\n\n"
    server.otherwise = streams(*(body[place : place + 1] for place in range(len(body))))
    answer = await ask(server, client)
    assert answer.text == "Grüße, 世界"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 2)


async def test_a_server_that_does_not_stream_is_understood(server: HttpServer, client: HttpClient):
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "length"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    server.otherwise = says(json.dumps({"choices": [choice], "usage": usage}), content_type="application/json")
    answer = await ask(server, client)
    assert (answer.text, answer.finish_reason, answer.usage.prompt_tokens) == ("Hi", "length", 3)


@pytest.mark.parametrize(
    "pieces",
    [
        [event("Hi"), b"data: [DONE]\n\n"],
        [event("Hi"), event(end="stop")],
        [event("Hi") + event(end="stop") + b"data: [DONE]"],
        [b"\n", event("Hi", end="stop"), b"data: [DONE]\n\ndata: never seen\n\n"],
    ],
    ids=["no reason", "no [DONE]", "all at once, no empty line", "more after the end"],
)
async def test_what_is_complete_is_taken(server: HttpServer, client: HttpClient, pieces: list[bytes]):
    server.otherwise = streams(*pieces)
    assert (await ask(server, client)).text == "Hi"


@pytest.mark.parametrize("whole", [True, False], ids=["ended", "hung up"])
async def test_half_an_answer_is_none(server: HttpServer, client: HttpClient, whole: bool):
    server.otherwise = streams(event("Hi"), whole=whole)
    failure = await failure_of(server, client)
    assert (failure.code, failure.retryable) == ("MODEL_UNAVAILABLE", True)


async def test_hanging_up_after_the_end_does_no_harm(server: HttpServer, client: HttpClient):
    server.otherwise = streams(event("Hi", end="stop"), b"data: [DONE]\n\n", whole=False)
    assert (await ask(server, client)).text == "Hi"


@pytest.mark.parametrize(
    "body", ["<html>Welcome</html>", '{"hello": 1}', "[1]", "data: {not json\n\n", '{"choices": [', "data: 7\n\n"]
)
async def test_what_is_no_completion_is_said_so(server: HttpServer, client: HttpClient, body: str):
    server.otherwise = says(body)
    failure = await failure_of(server, client)
    assert (failure.code, failure.retryable) == ("MODEL_ERROR", False)
    assert "base URL" in failure.hint


async def test_an_error_in_the_stream_is_one(server: HttpServer, client: HttpClient):
    error = {"error": {"message": f"upstream said no to {KEY}", "code": 429}}
    server.otherwise = streams(event("Hi"), b"data: " + json.dumps(error).encode() + b"\n\n")
    failure = await failure_of(server, client)
    assert (failure.code, failure.retryable) == ("MODEL_RATE_LIMIT", True)
    assert "upstream said no" in failure.detail
    assert KEY not in str(failure)


@pytest.mark.parametrize(
    "body",
    [
        '{"error": "no such thing"}',
        '[{"error": {"message": "no such thing"}}]',
        '{"detail": [{"msg": "no such thing"}]}',
        '{"message": "no such thing"}',
        "no such thing",
    ],
)
async def test_errors_of_every_shape_are_read(server: HttpServer, client: HttpClient, body: str):
    server.otherwise = says(body, 404)
    failure = await failure_of(server, client)
    assert failure.code == "MODEL_ERROR"
    assert "no such thing" in failure.detail


@pytest.mark.parametrize(
    ("refusal", "left_out"),
    [
        (refuses("Unsupported value", param="temperature", code="unsupported_value"), "temperature"),
        (refuses("This model does not support response_format json_schema"), "response_format"),
        (says('{"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}', 422), None),
    ],
)
async def test_what_a_provider_does_not_know_is_left_out(
    server: HttpServer, client: HttpClient, refusal: Answer, left_out: str | None
):
    server.otherwise = in_turn(refusal, GOOD)
    assert (await ask(server, client, ChatRequest(ASK.messages, 0.3, 9, SCHEMA))).text == "Hi"
    first, second = (json.loads(asked.body) for asked in server.asked)
    assert first.keys() - second.keys() == {left_out or "stream_options"}


async def test_a_limit_is_given_by_its_other_name_but_never_dropped(server: HttpServer, client: HttpClient):
    refusal = refuses("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", param="max_tokens")
    server.otherwise = in_turn(refusal, GOOD)
    await ask(server, client, ChatRequest(ASK.messages, max_tokens=9))
    assert json.loads(server.asked[1].body)["max_completion_tokens"] == 9
    server.otherwise = in_turn(refusal, refuses("Unknown parameter: max_completion_tokens"))
    with pytest.raises(ModelFailed) as failure:
        await ask(server, client, ChatRequest(ASK.messages, max_tokens=9))
    assert failure.value.code == "MODEL_ERROR"


async def test_openai_itself_gets_the_limits_new_name(server: HttpServer, client: HttpClient):
    server.otherwise = GOOD
    await model(server, client, "openai").chat(ChatRequest(ASK.messages, max_tokens=9), lambda _: None)
    sent = json.loads(server.asked[0].body)
    assert sent["max_completion_tokens"] == 9
    assert "max_tokens" not in sent


async def test_a_refused_value_is_not_left_out(server: HttpServer, client: HttpClient):
    server.otherwise = refuses("temperature must be at most 2", param="temperature", code="decimal_above_max_value")
    with pytest.raises(ModelFailed) as failure:
        await ask(server, client, ChatRequest(ASK.messages, temperature=3))
    assert "at most 2" in failure.value.detail
    assert len(server.asked) == 1


async def test_one_connection_serves_many_calls():
    async with ModelServer(Reply("Hi"), keep_alive=True) as server:
        client = HttpClient([server.host])
        model = OpenAIChatModel(Access("mine", "openai_compatible", server.base_url), "m", client)
        for _ in range(5):
            await model.chat(ASK, lambda _: None)
        await client.stop()
    assert server.connections == 1


async def test_a_redirect_elsewhere_does_not_get_the_key(server: HttpServer):
    async with HttpServer() as other:
        other.otherwise = GOOD
        server.otherwise = sends_on(f"{other.url}/v1/chat/completions", 307)
        client = HttpClient([server.host, other.host])
        await ask(server, client)
        await client.stop()
    assert "authorization" in server.asked[0].headers
    assert "authorization" not in other.asked[0].headers


async def test_an_error_of_the_listener_stays_its_own(server: HttpServer, client: HttpClient):
    def listen(_text: str) -> None:
        raise ValueError("mine")

    server.otherwise = GOOD
    with pytest.raises(ValueError, match="mine"):
        await model(server, client).chat(ASK, listen)


def test_litellm_is_not_imported():
    script = """
import asyncio, sys
from awe_app.adapters.http import HttpClient
from awe_app.adapters.model_access import Access
from awe_app.adapters.openai_chat import OpenAIChatModel
from awe_app.domain.models import ChatRequest, Message
from tests.model_server import ModelServer, Reply

async def main():
    async with ModelServer(Reply(usage=(1_000_000, 0))) as server:
        client = HttpClient([server.host])
        model = OpenAIChatModel(Access("mine", "openai_compatible", server.base_url), "gpt-4o-mini", client)
        answer = await model.chat(ChatRequest((Message("user", "Hello"),)), lambda _: None)
        await client.stop()
    print(answer.usage.cost_usd, "litellm" in sys.modules)

asyncio.run(main())
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["0.15", "False"]
