"""W3 with agents: 20 of them beside each other, each asks a model by HTTP that takes 200 ms; wall time over 200 ms.

The model is a server of this benchmark in a process of its own (``python -m bench.w7_agents``) that speaks OpenAI's
protocol; AWE reaches it as any provider of that kind, through litellm. The first call, which imports litellm, is not
counted.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

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
    async with model_process() as port:
        models = Models(Settings(port), Secrets(uuid4().hex * 2), None, [f"127.0.0.1:{port}"])  # type: ignore[arg-type]
        capabilities = Capabilities(models=models)

        async def awe() -> None:
            result = await engine.run(planned, capabilities)
            assert result == ["Hello there."] * WIDTH, result

        rows = await in_turn("W3 20 agents over HTTP", {"AWE engine, litellm": awe}, rounds=rounds, each=3)
    for row in rows:
        row.unit, row.values = "× 200 ms", [value / (WAIT_S * 1000) for value in row.values]
    return rows


async def serve() -> None:
    """Answer until killed."""
    async with ModelServer(Reply(delay_s=WAIT_S)) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
