"""W5: from the start of the process to the first right answer over REST, and memory once it is idle."""

import asyncio
import tempfile
import time
from pathlib import Path

import httpx

from bench.measure import Row
from bench.servers import AweServer, PeerServer, all_servers, resident_mb
from bench.workflows import FIVE_RESULT, TEXT

IDLE_S = 3.0


def cold_start(server: AweServer | PeerServer) -> tuple[float, float]:
    """Seconds to the first execution, and resident MB of all its processes some seconds later."""
    begin = time.perf_counter()
    pid = server.start()
    try:
        answer = httpx.post(server.url, json={"inputs": {"text": TEXT}}, headers=server.headers, timeout=60)
        seconds = time.perf_counter() - begin
        assert answer.json()["result"] == FIVE_RESULT, answer.text
        time.sleep(IDLE_S)
        return seconds, resident_mb(pid)
    finally:
        server.stop()


async def main(rounds: int) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        servers = await asyncio.to_thread(all_servers, Path(folder))
        for server in servers:
            rows += [Row("W5 cold start", server.name, "s"), Row("W5 cold start", server.name, "MB idle")]
        for _ in range(rounds):
            for i, server in enumerate(servers):
                seconds, megabytes = await asyncio.to_thread(cold_start, server)
                rows[2 * i].values.append(seconds)
                rows[2 * i + 1].values.append(megabytes)
    return rows
