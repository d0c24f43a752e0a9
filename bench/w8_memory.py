"""Memory: what 1,000 executions that wait for a person add to a running server."""

import asyncio
import tempfile
import time
from pathlib import Path

import aiohttp

from bench.measure import Row
from bench.servers import resident_mb
from bench.workflows import TEXT, questions
from tests.e2e.server import Person, Server

WAITING = 1_000
SETTLE_S = 3.0


def measure(folder: Path) -> tuple[float, float]:
    """Resident MB of all the server's processes before and after."""
    with Server(folder) as server:
        person = Person(server).register()
        workflow_id = person.post("/workflows", questions().as_json(), 201)["id"]
        url = f"/workflows/{workflow_id}/execute"
        assert server.pid is not None
        for _ in range(20):  # what is loaded and remembered at the first ones is not theirs
            person.post(url, {"inputs": {"text": TEXT}}, 202)
        time.sleep(SETTLE_S)
        before = resident_mb(server.pid)
        headers = {"Authorization": person.client.headers["Authorization"]}
        asyncio.run(start_many(f"{server.url}/api{url}", headers))
        while person.get("/executions", status="waiting", limit=1)["total"] < WAITING + 20:
            time.sleep(0.2)
        time.sleep(SETTLE_S)
        return before, resident_mb(server.pid)


async def start_many(url: str, headers: dict[str, str]) -> None:
    """Start them, eight at a time."""
    limit = asyncio.Semaphore(8)
    async with aiohttp.ClientSession(headers=headers) as session:

        async def one() -> None:
            async with limit, session.post(url, json={"inputs": {"text": TEXT}}) as answer:
                assert answer.status == 202, await answer.text()

        await asyncio.gather(*(one() for _ in range(WAITING)))


async def main(rounds: int) -> list[Row]:
    row = Row("Memory, 1,000 waiting executions", "AWE, stored in SQLite", "MB more")
    for _ in range(min(rounds, 2)):
        with tempfile.TemporaryDirectory() as folder:
            before, after = await asyncio.to_thread(measure, Path(folder))
        row.values.append(after - before)
        row.note = f"idle {before:.0f} MB"
    return [row]
