"""W6: a loop of 1,000 passes with one trivial node in it, in this process."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from bench import engine
from bench.measure import Row, Work, in_turn
from bench.workflows import TEXT, langgraph_loop, loop, loop_result

PASSES = 1_000


async def step(i: int, text: str) -> str:
    return f"{i}:{text}"


async def floor() -> list[str]:
    """A task a pass and nothing else."""
    return [await asyncio.create_task(step(i, TEXT)) for i in range(PASSES)]


async def main(rounds: int) -> list[Row]:
    planned, graph = engine.plan(loop(PASSES)), langgraph_loop(PASSES)
    with tempfile.TemporaryDirectory() as folder:
        async with engine.stored(Path(folder)) as awe:
            workflow_id = await awe.add(loop(PASSES))

            async def langgraph() -> Any:
                config = {"recursion_limit": PASSES + 10}
                return (await graph.ainvoke({"text": TEXT, "texts": []}, config))["texts"]

            systems: dict[str, Work] = {
                "asyncio floor, a task a pass": floor,
                "AWE engine, not stored": lambda: engine.run(planned),
                "LangGraph, not stored": langgraph,
                "AWE, stored in SQLite": lambda: awe.run(workflow_id),
            }
            for name, work in systems.items():
                assert await work() == loop_result(PASSES), name
            return await in_turn("W6 loop of 1,000", systems, rounds=rounds, each=3)
