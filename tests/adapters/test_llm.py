"""Other people's models, by the real litellm and by AWE's own client, over a real socket."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import pytest

from awe_app.adapters.http import HttpClient
from awe_app.adapters.llm import LiteLLMModel
from awe_app.adapters.model_access import KINDS, Access
from awe_app.adapters.openai_chat import OpenAIChatModel
from awe_app.adapters.outbound import Outbound
from awe_app.domain.models import (
    Attachment,
    ChatRequest,
    FunctionSpec,
    LanguageModel,
    Message,
    ModelFailed,
    ToolCall,
)
from tests.model_server import ModelServer, Reply

KEY = "sk-very-secret-0123456789"
ASK = ChatRequest((Message("system", "Be kind."), Message("user", "Hello")))
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def ignore(_delta: str) -> None:
    pass


class Reach:
    """Makes models that are called by litellm, or directly."""

    def __init__(self, direct: bool) -> None:
        self.direct = direct
        self._clients: list[HttpClient] = []

    def __call__(
        self,
        server: ModelServer,
        stall_s: float = 30,
        key: str = KEY,
        model: str = "some-model",
        kind: str = "openai_compatible",
        allowed: bool = True,
    ) -> LanguageModel:
        access = Access("mine", kind, server.base_url, key)  # type: ignore[arg-type]
        hosts = [server.host] if allowed else []
        if not self.direct:
            return LiteLLMModel(access, model, Outbound(hosts), stall_s)
        self._clients.append(HttpClient(hosts))
        return OpenAIChatModel(access, model, self._clients[-1], stall_s)

    async def failure_of(self, *replies: Reply, stall_s: float = 30) -> ModelFailed:
        async with ModelServer(*replies) as server:
            with pytest.raises(ModelFailed) as failure:
                await self(server, stall_s).chat(ASK, ignore)
        return failure.value

    async def stop(self) -> None:
        for client in self._clients:
            await client.stop()


@pytest.fixture(params=["directly", "by litellm"])
async def reach(request: pytest.FixtureRequest) -> AsyncIterator[Reach]:
    made = Reach(request.param == "directly")
    yield made
    await made.stop()


async def test_it_answers_streams_and_counts(reach: Reach):
    pieces: list[str] = []
    async with ModelServer(Reply("One two three.")) as server:
        answer = await reach(server).chat(ASK, pieces.append)
    assert answer.text == "One two three."
    assert pieces == ["One", " two", " three."]
    assert answer.model == "mine/some-model"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.cost_usd) == (11, 7, 0.0)
    assert answer.finish_reason == "stop"
    assert server.paths == ["/v1/chat/completions"]
    assert server.keys == [KEY]
    assert server.requests[0]["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello"},
    ]


async def test_settings_reach_the_provider(reach: Reach):
    request = ChatRequest(ASK.messages, temperature=0.3, max_tokens=9, output_schema=SCHEMA)
    async with ModelServer(Reply('{"a": 1}', finish_reason="length")) as server:
        answer = await reach(server).chat(request, ignore)
    sent = server.requests[0]
    assert (sent["temperature"], sent["max_tokens"]) == (0.3, 9)
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
    assert answer.finish_reason == "length"


CALCULATE = FunctionSpec("calculator", "Calculates.", {"type": "object", "properties": {"expression": {}}})
SUM = ToolCall("call_1", "calculator", '{"expression": "2 + 2"}')
PRODUCT = ToolCall("call_2", "calculator", '{"expression": "2 * 3"}')


async def test_tools_are_offered_and_their_calls_come_back(reach: Reach):
    pieces: list[str] = []
    async with ModelServer(Reply("Let me see.", tool_calls=[SUM, PRODUCT])) as server:
        answer = await reach(server).chat(ChatRequest(ASK.messages, tools=(CALCULATE,)), pieces.append)
    assert answer.tool_calls == (SUM, PRODUCT)
    assert (answer.finish_reason, answer.text) == ("tool_calls", "Let me see.")
    assert "".join(pieces) == "Let me see."
    (sent,) = server.requests[0]["tools"]
    assert sent["function"]["name"] == "calculator"
    assert sent["function"]["parameters"] == CALCULATE.parameters


async def test_calls_and_results_are_told_in_order(reach: Reach):
    broken = ToolCall("call_3", "calculator", '{"expression": ')
    turns = (
        Message("user", "How much?"),
        Message("assistant", "", tool_calls=(SUM, broken)),
        Message("tool", "4", tool_call_id="call_1"),
        Message("tool", "Error: no JSON", tool_call_id="call_3"),
    )
    async with ModelServer(Reply("It is 4.")) as server:
        answer = await reach(server).chat(ChatRequest(turns, tools=(CALCULATE,)), ignore)
    assert (answer.text, answer.tool_calls, answer.finish_reason) == ("It is 4.", (), "stop")
    _question, asked, first, second = server.requests[0]["messages"]
    assert [call["id"] for call in asked["tool_calls"]] == ["call_1", "call_3"]
    assert asked["tool_calls"][0]["function"]["arguments"] == SUM.arguments
    json.loads(asked["tool_calls"][1]["function"]["arguments"])  # providers refuse what is no JSON
    assert (first["tool_call_id"], first["content"]) == ("call_1", "4")
    assert (second["tool_call_id"], second["content"]) == ("call_3", "Error: no JSON")


async def test_arguments_come_back_as_they_were_written(reach: Reach):
    call = ToolCall("call_1", "calculator", '{"expression": oops')
    async with ModelServer(Reply("", tool_calls=[call])) as server:
        answer = await reach(server).chat(ChatRequest(ASK.messages, tools=(CALCULATE,)), ignore)
    assert answer.tool_calls == (call,)


async def test_a_call_that_is_cut_off_says_so(reach: Reach):
    async with ModelServer(Reply("", tool_calls=[SUM], finish_reason="length")) as server:
        answer = await reach(server).chat(ChatRequest(ASK.messages, tools=(CALCULATE,)), ignore)
    assert answer.finish_reason == "length"


async def test_a_model_without_tools_is_said_so(reach: Reach):
    async with ModelServer(Reply(status=400, error="some-model does not support tools")) as server:
        with pytest.raises(ModelFailed) as failure:
            await reach(server).chat(ChatRequest(ASK.messages, tools=(CALCULATE,)), ignore)
    assert failure.value.code == "UNSUPPORTED_INPUT"
    assert "cannot call tools" in failure.value.detail


async def test_files_go_along_with_a_message(reach: Reach):
    image, page, note = (
        Attachment("a.png", "image/png", b"PNG"),
        Attachment("b.pdf", "application/pdf", b"%PDF-"),
        Attachment("c.txt", "text/plain; charset=utf-8", "Grüße".encode()),
    )
    turn = Message("user", "What is this?", attachments=(image, page, note))
    async with ModelServer(Reply("A test.")) as server:
        await reach(server).chat(ChatRequest((turn,)), ignore)
    words, picture, file, text = server.requests[0]["messages"][0]["content"]
    assert words == {"type": "text", "text": "What is this?"}
    assert picture["image_url"]["url"] == "data:image/png;base64,UE5H"
    assert (file["file"]["filename"], file["file"]["file_data"]) == (
        "b.pdf",
        "data:application/pdf;base64,JVBERi0=",
    )
    assert text["text"].endswith("Grüße")


async def test_a_kind_of_file_that_no_model_takes_is_said_so(reach: Reach):
    turn = Message("user", "Listen", attachments=(Attachment("a.mid", "audio/midi", b"x"),))
    async with ModelServer() as server:
        with pytest.raises(ModelFailed) as failure:
            await reach(server).chat(ChatRequest((turn,)), ignore)
    assert failure.value.code == "UNSUPPORTED_INPUT"
    assert "a.mid" in failure.value.detail
    assert not server.requests


async def test_a_model_with_a_known_price_costs(reach: Reach):
    async with ModelServer(Reply(usage=(1_000_000, 0))) as server:
        answer = await reach(server, model="gpt-4o-mini").chat(ASK, ignore)
    assert answer.usage.cost_usd == pytest.approx(0.15)


async def test_without_a_key_none_is_taken_from_the_environment(reach: Reach, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-operator")
    async with ModelServer() as server:
        await reach(server, key="").chat(ASK, ignore)
    assert server.keys == ["none"]


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "MODEL_ERROR", False),
        (401, "MODEL_AUTH", False),
        (403, "MODEL_AUTH", False),
        (404, "MODEL_ERROR", False),
        (408, "MODEL_TIMEOUT", True),
        (422, "MODEL_ERROR", False),
        (429, "MODEL_RATE_LIMIT", True),
        (500, "MODEL_UNAVAILABLE", True),
        (502, "MODEL_UNAVAILABLE", True),
        (503, "MODEL_UNAVAILABLE", True),
        (529, "MODEL_UNAVAILABLE", True),
    ],
)
async def test_each_refusal_has_its_code(reach: Reach, status: int, code: str, retryable: bool):
    failure = await reach.failure_of(Reply(status=status))
    assert (failure.code, failure.retryable) == (code, retryable)
    assert "mine" in failure.detail
    assert (status == 422 and not reach.direct) or "it went wrong" in failure.detail
    assert "litellm" not in failure.detail.lower()


async def test_retry_after_is_handed_on(reach: Reach):
    assert (await reach.failure_of(Reply(status=429, headers={"retry-after": "7"}))).retry_after_s == 7
    assert (await reach.failure_of(Reply(status=429))).retry_after_s is None


async def test_a_prompt_that_is_too_long_is_said_so(reach: Reach):
    message = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    assert (await reach.failure_of(Reply(status=400, error=message))).code == "CONTEXT_TOO_LONG"


async def test_no_message_holds_the_key(reach: Reach):
    text = "Incorrect API key provided: {key} (sk-ver***6789). Authorization: Bearer {key}"
    for status in (400, 401, 500):
        failure = await reach.failure_of(Reply(status=status, error=text))
        assert KEY not in f"{failure} {failure.detail} {failure.hint} {failure.__cause__!r}"
        assert "6789" not in failure.detail
        assert failure.__suppress_context__ or failure.__context__ is None


async def test_an_answer_that_breaks_off_is_no_answer(reach: Reach):
    failure = await reach.failure_of(Reply("One two three.", cut_after=2))
    assert (failure.code, failure.retryable) == ("MODEL_UNAVAILABLE", True)


@pytest.mark.parametrize("reply", [Reply(delay_s=30), Reply("a b c", pause_s=30)], ids=["at once", "in between"])
async def test_a_silent_provider_is_given_up(reach: Reach, reply: Reply):
    failure = await reach.failure_of(reply, stall_s=0.3)
    assert (failure.code, failure.retryable) == ("MODEL_TIMEOUT", True)


async def test_a_slow_answer_is_no_silence(reach: Reach):
    async with ModelServer(Reply("a b c d e f", pause_s=0.1)) as server:
        assert (await reach(server, stall_s=0.4).chat(ASK, ignore)).text == "a b c d e f"


async def test_nobody_there_is_unavailable(reach: Reach):
    async with ModelServer() as server:
        model = reach(server)
    with pytest.raises(ModelFailed) as failure:
        await model.chat(ASK, ignore)
    assert (failure.value.code, failure.value.retryable) == ("MODEL_UNAVAILABLE", True)


async def test_cancelling_hangs_up(reach: Reach):
    speaking = asyncio.Event()
    async with ModelServer(Reply("a " * 500, pause_s=0.02)) as server:
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(reach(server).chat(ASK, lambda _: speaking.set()))
            await speaking.wait()
            call.cancel()
        while not server.gone:
            await asyncio.sleep(0.02)
    assert call.cancelled()


async def test_an_address_inside_is_not_called(reach: Reach):
    async with ModelServer() as server:
        with pytest.raises(ModelFailed) as failure:
            await reach(server, allowed=False).chat(ASK, ignore)
    assert failure.value.code == "ADDRESS_BLOCKED"
    assert "AWE_ALLOWED_HOSTS" in failure.value.hint
    assert not server.requests


async def test_a_name_that_changes_its_meaning_is_not_called():
    class Fooled(Outbound):
        """Was shown a public address when it looked."""

        async def check(self, url: str) -> None:
            pass

    async with ModelServer() as server:
        for kind in ("openai_compatible", "anthropic", "mistral"):
            model = LiteLLMModel(Access("mine", kind, server.base_url, KEY), "m", Fooled())  # type: ignore[arg-type]
            with pytest.raises(ModelFailed) as failure:
                await model.chat(ASK, ignore)
            assert failure.value.code == "ADDRESS_BLOCKED", kind
            assert not failure.value.retryable
    assert not server.requests


async def test_a_provider_that_needs_a_key_and_has_none_is_not_called(reach: Reach):
    async with ModelServer() as server:
        with pytest.raises(ModelFailed) as failure:
            await reach(server, key="", kind="openai").chat(ASK, ignore)
    assert failure.value.code == "MODEL_AUTH"
    assert not server.requests


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"anthropic", "gemini"}))
async def test_every_kind_that_speaks_openai_reaches_its_base_url(reach: Reach, kind: str):
    if kind == "ollama" and not reach.direct:
        return  # never called so
    async with ModelServer(Reply("Hello.")) as server:
        assert (await reach(server, kind=kind).chat(ASK, ignore)).text == "Hello."
    assert len(server.requests) == 1


async def test_litellm_fetches_no_price_list_and_reads_no_env_file():
    async with ModelServer() as server:
        await Reach(direct=False)(server).chat(ASK, ignore)
    source = sys.modules["litellm.litellm_core_utils.get_model_cost_map"].get_model_cost_map_source_info()
    assert source["source"] == "local"
    assert sys.modules["litellm"].litellm_mode == "PRODUCTION"
