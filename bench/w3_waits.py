"""W3: 20 nodes that each wait 200 ms, beside each other; the figure is wall time over 200 ms, so 1.0 is ideal."""

import asyncio

from awe_app.domain.node import EmptyConfig, Node, NodeContext, Outputs
from bench import engine
from bench.measure import Row, Work, in_turn
from bench.workflows import TEXT, langgraph_fan, waits

WIDTH = 20
WAIT_S = 0.2


class Sleep(Node[EmptyConfig]):
    """Wait, as a call over the network does. Known to this benchmark only."""

    type, title, icon, category, effectful = "bench_sleep", "Sleep", "clock", "Bench", True

    async def run(self, ctx: NodeContext[EmptyConfig]) -> Outputs:
        await asyncio.sleep(WAIT_S)
        return {"out": None}


async def sleep(_i: int, text: str) -> str:
    await asyncio.sleep(WAIT_S)
    return text


async def floor() -> None:
    """``asyncio.gather`` and nothing else."""
    await asyncio.gather(*(sleep(i, TEXT) for i in range(WIDTH)))


async def main(rounds: int) -> list[Row]:
    planned = engine.plan(waits(WIDTH, Sleep.type), {Sleep.type: Sleep})
    graph = langgraph_fan(WIDTH, sleep)
    systems: dict[str, Work] = {
        "asyncio.gather floor": floor,
        "AWE engine": lambda: engine.run(planned),
        "LangGraph": lambda: graph.ainvoke({"text": TEXT, "texts": []}),
    }
    rows = await in_turn("W3 20 × 200 ms", systems, rounds=rounds, each=3)
    for row in rows:
        row.unit, row.values = "× 200 ms", [value / (WAIT_S * 1000) for value in row.values]
    return rows
