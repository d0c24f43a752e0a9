"""CPU time of one model call beside the least there can be: the same bytes asked for by aiohttp and thrown away.

By AWE's own client, for an answer that is streamed and for one that comes whole, and by litellm in two formats of which
it is the translator. The providers are servers of this benchmark in a process of their own (``python -m
bench.w12_models``). Twenty calls at once, over connections that stay open; all threads of this process count.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import aiohttp

from awe_app.adapters.http import HttpClient
from awe_app.adapters.llm import LiteLLMModel
from awe_app.adapters.model_access import Access
from awe_app.adapters.openai_chat import OpenAIChatModel
from awe_app.adapters.outbound import Outbound
from awe_app.domain.models import ChatRequest, LanguageModel, Message
from bench.measure import Row
from tests import provider_servers
from tests.http_server import Asked, HttpServer, says
from tests.model_server import ModelServer, Reply

AT_ONCE = 20
EACH = 5
SETTLES_S = 0.3
"""litellm goes on for a moment after it has answered."""
TEXT = "Hello there. " * 5
"""Ten pieces of a stream."""
ASK = ChatRequest((Message("user", "Hello"),))
WHOLE = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 11, "completion_tokens": 7},
}


@asynccontextmanager
async def providers() -> AsyncGenerator[tuple[str, str]]:
    """The servers in a process of their own: where OpenAI's format is spoken as a stream, and where the others are."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.w12_models", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        first, second = (await process.stdout.readline()).split()
        yield f"127.0.0.1:{int(first)}", f"127.0.0.1:{int(second)}"
    finally:
        process.kill()
        await process.wait()


async def main(rounds: int) -> list[Row]:
    async with providers() as (openai, others), AsyncExitStack() as stack:
        client, outbound = HttpClient([openai, others]), Outbound([openai, others])
        stack.push_async_callback(client.stop)
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def floor() -> None:
            body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
            async with session.post(f"http://{openai}/v1/chat/completions", json=body) as answer:
                assert b"[DONE]" in await answer.read()

        async def ask(model: LanguageModel) -> None:
            answer = await model.chat(ASK, lambda _delta: None)
            assert answer.text.split() == TEXT.split(), answer
            assert answer.usage.prompt_tokens == 11, answer

        def direct(host: str) -> Callable[[], Awaitable[None]]:
            access = Access("mine", "openai_compatible", f"http://{host}/v1", "key")
            return partial(ask, OpenAIChatModel(access, "m", client))

        anthropic = Access("mine", "anthropic", f"http://{others}", "key")
        gemini = Access("mine", "gemini", f"http://{others}/v1beta", "key")
        systems: dict[str, Callable[[], Awaitable[None]]] = {
            "aiohttp alone": floor,
            "AWE's client, streamed": direct(openai),
            "AWE's client, whole": direct(others),
            "litellm, Anthropic": partial(ask, LiteLLMModel(anthropic, "claude-sonnet-4-5", outbound)),
            "litellm, Gemini": partial(ask, LiteLLMModel(gemini, "gemini-2.5-flash", outbound)),
        }
        rows = {name: Row("Model call without the engine, CPU", name, "ms CPU") for name in systems}
        for _ in range(rounds):
            for name, call in systems.items():
                rows[name].values.append(await _cpu_ms(call))
    return list(rows.values())


async def _cpu_ms(call: Callable[[], Awaitable[None]]) -> float:
    await _at_once(call)  # imports and connects
    await asyncio.sleep(SETTLES_S)
    begin = time.process_time()
    for _ in range(EACH):
        await _at_once(call)
    await asyncio.sleep(SETTLES_S)
    return (time.process_time() - begin) * 1000 / (EACH * AT_ONCE)


async def _at_once(call: Callable[[], Awaitable[None]]) -> None:
    await asyncio.gather(*(call() for _ in range(AT_ONCE)))


async def serve() -> None:
    """Answer until killed."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if "/chat/completions" in asked.target:
            said = says(json.dumps(WHOLE), content_type="application/json")
        elif "v1beta" in asked.target:
            said = provider_servers.gemini(TEXT.strip())
        else:
            said = provider_servers.anthropic(TEXT.strip())
        await said(asked, writer)

    async with ModelServer(Reply(TEXT.strip()), keep_alive=True) as openai, HttpServer() as others:
        others.otherwise = answer
        print(openai.port, others.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
