"""Indexing: 1,000 documents of some 100 words each over REST, and how long others wait for the same server meanwhile.

The server runs as people start it. While it works, ``GET /health`` and the list of workflows are asked for ten times a
second; they are asked for as long before, with nothing to do.
"""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from bench.measure import Row
from bench.recall import passages
from tests.e2e.server import Person, Server

DOCUMENTS = 1_000
PASSAGES = 6
"""In each document, 17 words apiece."""
EVERY_S = 0.1
IDLE_S = 15.0
ASKED = {"GET /health": "/health", "GET /api/workflows": "/api/workflows"}
SYSTEM = "AWE, stored in SQLite"


def text(number: int) -> str:
    """A document like no other: passages of the labelled set, drawn by its number."""
    drawn = random.Random(number).sample(list(passages().values()), PASSAGES)
    return "\n\n".join([f"Document {number}.", *drawn])


async def run(url: str, headers: Mapping[str, str], collection: str) -> dict[str, Any]:
    """Seconds it took, and the waits by what was asked for, idle and meanwhile."""
    async with aiohttp.ClientSession(url, headers=headers) as session:
        idle = await _ask_until(session, asyncio.sleep(IDLE_S))
        begin = time.perf_counter()
        busy = await _ask_until(session, _index(session, f"/api/knowledge/collections/{collection}"))
        return {"seconds": time.perf_counter() - begin, "idle": idle, "busy": busy}


async def _index(session: aiohttp.ClientSession, address: str) -> None:
    limit = asyncio.Semaphore(8)

    async def add(number: int) -> None:
        async with limit, session.post(f"{address}/documents", json={"name": f"d{number}", "text": text(number)}) as a:
            assert a.status == 202, await a.text()

    await asyncio.gather(*(add(number) for number in range(DOCUMENTS)))
    while True:
        async with session.get(address) as answer:
            documents = (await answer.json())["documents"]
        assert documents["failed"] == 0, documents
        if documents["ready"] == DOCUMENTS:
            return
        await asyncio.sleep(0.5)


async def _ask_until(session: aiohttp.ClientSession, work: Any) -> dict[str, list[float]]:
    waits: dict[str, list[float]] = {name: [] for name in ASKED}
    task = asyncio.ensure_future(work)
    while not task.done():
        for name, path in ASKED.items():
            waits[name].append(await _wait(session, path))
        await asyncio.sleep(EVERY_S)
    await task
    return waits


async def _wait(session: aiohttp.ClientSession, path: str) -> float:
    begin = time.perf_counter()
    async with session.get(path) as answer:
        await answer.read()
        assert answer.status == 200
    return (time.perf_counter() - begin) * 1000


def measure(folder: Path) -> dict[str, Any]:
    """One round on a server of its own."""
    with Server(folder) as server:
        person = Person(server).register()
        collection = person.post("/knowledge/collections", {"name": "thousand"}, 201)["id"]
        headers = {"Authorization": person.client.headers["Authorization"]}
        return asyncio.run(run(server.url, headers, collection))


def p95(waits: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(waits, n=20)[-1]


async def main(rounds: int) -> list[Row]:
    workload = f"Indexing {DOCUMENTS:,} documents"
    speed = Row(workload, SYSTEM, "documents/s")
    idle = {name: Row(workload, f"{name}, idle", "ms p95") for name in ASKED}
    busy = {name: Row(workload, f"{name}, meanwhile", "ms p95") for name in ASKED}
    for _ in range(min(rounds, 1)):
        with tempfile.TemporaryDirectory() as folder:
            found = await asyncio.to_thread(measure, Path(folder))
        speed.values.append(DOCUMENTS / found["seconds"])
        for name in ASKED:
            idle[name].values.append(p95(found["idle"][name]))
            busy[name].values.append(p95(found["busy"][name]))
            busy[name].note = f"longest {max(found['busy'][name]):.0f} ms"
    return [speed, *idle.values(), *busy.values()]
