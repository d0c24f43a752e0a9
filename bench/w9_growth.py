"""Growth: twice as many nodes, items or events may take at most twice as long. In CPU time: neighbours do not count.

``docs/performance.svg`` shows it.
"""

import gc
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from awe_app.domain.execution import ExecutionState
from bench import engine
from bench.measure import Row
from bench.workflows import chain, fan_out, loop

NODES = (250, 500, 1_000, 1_990)
ITEMS = (1_000, 2_000, 4_000, 8_000, 16_000)


async def cpu_ms(work: Callable[[], Awaitable[Any]], rounds: int) -> list[float]:
    """CPU milliseconds of this process for each of ``rounds`` calls, after one to warm up.

    The garbage collector is on and pays for what the call itself makes; what was there before is set aside, or the
    size that is measured first would leave its garbage to the next.
    """
    await work()
    times = []
    for _ in range(rounds):
        gc.collect()
        gc.freeze()
        begin = time.process_time()
        await work()
        times.append((time.process_time() - begin) * 1000)
    return times


async def main(rounds: int) -> list[Row]:
    rows: list[Row] = []

    async def measure(what: str, size: int, work: Callable[[], Awaitable[Any]]) -> None:
        rows.append(Row(f"Growth: {what}", f"{size:,}", "ms CPU", await cpu_ms(work, rounds)))

    for size in NODES:
        workflow = chain(size)
        wide = engine.plan(fan_out(size))

        async def prepare(workflow: Any = workflow) -> None:
            engine.plan(workflow)

        await measure("nodes, preparing a chain", size, prepare)
        await measure("nodes, a fan-out not stored", size, lambda wide=wide: engine.run(wide))
    for size in ITEMS:
        planned = engine.plan(loop(size))
        await measure("items of a loop, not stored", size, lambda planned=planned: engine.run(planned))
    with tempfile.TemporaryDirectory() as folder:
        async with engine.stored(Path(folder)) as awe:
            for size in ITEMS[:4]:
                execution_id = await awe.start_and_end(await awe.add(loop(size)))

                async def fold(execution_id: Any = execution_id) -> None:
                    state = ExecutionState(execution_id)
                    async for events in awe.journal.chunks(execution_id):
                        state.fold(events)

                await measure("items in the history, read and folded", size, fold)
    return rows
