"""W4: the five-node workflow over REST, stored, 16 clients that each wait for the answer before they ask again."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp

from bench.measure import Row
from bench.servers import AweServer, PeerServer, all_servers
from bench.workflows import FIVE_RESULT, TEXT

CLIENTS = 16
WARM_UP_S = 2.0
SECONDS = 8.0


async def load(server: AweServer | PeerServer) -> tuple[float, float, float]:
    """Executions a second, and the median and the 95th percentile of their times in milliseconds."""
    times: list[float] = []
    connector = aiohttp.TCPConnector(limit=CLIENTS)
    async with aiohttp.ClientSession(connector=connector, headers=server.headers) as session:
        begin = time.perf_counter() + WARM_UP_S
        end = begin + SECONDS

        async def client() -> None:
            while (asked := time.perf_counter()) < end:
                async with session.post(server.url, json={"inputs": {"text": TEXT}}) as answer:
                    body = await answer.json()
                    assert answer.status == 200, body
                    assert body["result"] == FIVE_RESULT, body
                if asked >= begin:
                    times.append((time.perf_counter() - asked) * 1000)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return len(times) / SECONDS, statistics.median(times), statistics.quantiles(times, n=20)[-1]


async def main(rounds: int) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        servers = await asyncio.to_thread(all_servers, Path(folder))
        by_server = {
            server.name: (
                Row("W4 five nodes, REST", server.name, "exec/s"),
                Row("W4 five nodes, REST", server.name, "ms p50"),
                Row("W4 five nodes, REST", server.name, "ms p95"),
            )
            for server in servers
        }
        for _ in range(rounds):
            for server in servers:
                await asyncio.to_thread(server.start)
                try:
                    figures = await load(server)
                finally:
                    await asyncio.to_thread(server.stop)
                for row, figure in zip(by_server[server.name], figures, strict=True):
                    row.values.append(figure)
        for three in by_server.values():
            rows += three
    return rows
