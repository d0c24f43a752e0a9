"""W5: from the start of the process to the first right answer over REST, and memory once it is idle.

The CPU time of all its processes is the part of it that neighbours on the machine do not change.
"""

import asyncio
import resource
import tempfile
import time
from pathlib import Path

import httpx

from bench.measure import Row
from bench.servers import AweServer, PeerServer, all_servers, resident_mb
from bench.workflows import FIVE_RESULT, TEXT

IDLE_S = 3.0


def cold_start(server: AweServer | PeerServer) -> tuple[float, float, float]:
    """Seconds to the first execution, resident MB some seconds later, CPU seconds until it has stopped."""
    cpu_before = _cpu_of_children()
    begin = time.perf_counter()
    pid = server.start()
    try:
        answer = httpx.post(server.url, json={"inputs": {"text": TEXT}}, headers=server.headers, timeout=60)
        seconds = time.perf_counter() - begin
        assert answer.json()["result"] == FIVE_RESULT, answer.text
        time.sleep(IDLE_S)
        megabytes = resident_mb(pid)
    finally:
        server.stop()
    return seconds, megabytes, _cpu_of_children() - cpu_before


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def main(rounds: int) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        servers = await asyncio.to_thread(all_servers, Path(folder))
        for server in servers:
            rows += [Row("W5 cold start", server.name, unit) for unit in ("s", "MB idle", "s CPU")]
        for _ in range(rounds):
            for i, server in enumerate(servers):
                for place, value in enumerate(await asyncio.to_thread(cold_start, server)):
                    rows[3 * i + place].values.append(value)
    return rows
