"""W2: one node, 100 beside each other, one node, in this process."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from bench import engine
from bench.measure import Row, Work, in_turn
from bench.workflows import TEXT, fan_out, langgraph_fan

WIDTH = 100


async def step(i: int, text: str) -> str:
    return f"n{i}:{text}"


async def floor() -> list[str]:
    """``asyncio.gather`` and nothing else."""
    return await asyncio.gather(*(step(i, TEXT) for i in range(WIDTH)))


async def main(rounds: int) -> list[Row]:
    planned = engine.plan(fan_out(WIDTH))
    with tempfile.TemporaryDirectory() as folder:
        async with (
            engine.stored(Path(folder)) as awe,
            AsyncSqliteSaver.from_conn_string(str(Path(folder) / "langgraph.db")) as saver,
        ):
            workflow_id = await awe.add(fan_out(WIDTH))
            bare, kept = langgraph_fan(WIDTH, step), langgraph_fan(WIDTH, step, saver)

            async def langgraph(graph: Any) -> list[str]:
                config = {"configurable": {"thread_id": uuid4().hex}}
                return (await graph.ainvoke({"text": TEXT, "texts": []}, config))["texts"]

            systems: dict[str, Work] = {
                "asyncio.gather floor": floor,
                "AWE engine, not stored": lambda: engine.run(planned),
                "LangGraph, not stored": lambda: langgraph(bare),
                "AWE, stored in SQLite": lambda: awe.run(workflow_id),
                "LangGraph, AsyncSqliteSaver": lambda: langgraph(kept),
            }
            expected = sorted(await floor())
            for name, work in systems.items():
                assert sorted(await work()) == expected, name
            return await in_turn("W2 1 → 100 → 1", systems, rounds=rounds, each=7)
