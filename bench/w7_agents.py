"""W3 with agents: 20 of them beside each other, each asks a model by HTTP that takes 200 ms; wall time over 200 ms.

The model is a server of this benchmark in a process of its own (``python -m bench.w7_agents``) that speaks OpenAI's
protocol; AWE reaches it as any provider of that kind. Beside it the least there can be: 20 requests by aiohttp whose
bytes are read and thrown away. The first calls, which import and connect, are not counted; the CPU time of a call is
that of this process, over 20.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.model_directory import Models
from awe_app.domain.ids import UserId
from awe_app.domain.protocols import Capabilities
from bench import engine
from bench.measure import Row, in_turn
from bench.workflows import agents
from tests.model_server import ModelServer, Reply

WIDTH = 20
WAIT_S = 0.2
QUESTION = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": True}


class Settings:
    """A user whose one provider is the server of this benchmark."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def get(self, user_id: UserId) -> dict[str, Any]:
        """See ``SettingsReader``."""
        url = f"http://127.0.0.1:{self._port}/v1"
        return {"providers": [{"id": "mock", "kind": "openai_compatible", "base_url": url, "models": ["m"]}]}


@asynccontextmanager
async def model_process() -> AsyncGenerator[int]:
    """The model in a process of its own; gives its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.w7_agents", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def main(rounds: int) -> list[Row]:
    planned = engine.plan(agents(WIDTH))
    async with model_process() as port, aiohttp.ClientSession() as session:
        models = Models(Settings(port), Secrets(uuid4().hex * 2), None, [f"127.0.0.1:{port}"])  # type: ignore[arg-type]
        capabilities = Capabilities(models=models)

        async def awe() -> None:
            result = await engine.run(planned, capabilities)
            assert result == ["Hello there."] * WIDTH, result

        async def ask() -> None:
            async with session.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=QUESTION) as answer:
                assert b"[DONE]" in await answer.read()

        async def floor() -> None:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(WIDTH):
                    tasks.create_task(ask())

        systems = {"AWE engine": awe, "aiohttp alone": floor}
        rows = await in_turn("W3 20 agents over HTTP", systems, rounds=rounds, each=5)
        cpu = [Row("Model call, CPU", name, "ms CPU") for name in systems]
        for _ in range(rounds):
            for row, work in zip(cpu, systems.values(), strict=True):
                begin = time.process_time()
                await work()
                row.values.append((time.process_time() - begin) * 1000 / WIDTH)
        await models.stop()
    for row in rows:
        row.unit, row.values = "× 200 ms", [value / (WAIT_S * 1000) for value in row.values]
    return [*rows, *cpu]


async def serve() -> None:
    """Answer until killed."""
    async with ModelServer(Reply(delay_s=WAIT_S), keep_alive=True) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
