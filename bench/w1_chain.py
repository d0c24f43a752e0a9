"""W1: a chain of 100 trivial nodes, in this process."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any
from uuid import uuid4

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from bench import engine
from bench.floor import Writer
from bench.measure import Row, Work, in_turn
from bench.workflows import TEXT, chain, chain_result, effectful_chain, langgraph_chain

LENGTH = 100
EXPECTED = chain_result(LENGTH)


async def floor() -> str:
    """A task a node and nothing else."""

    async def step(i: int, text: str) -> str:
        return f"{i}:{text}"

    text = TEXT
    for i in range(LENGTH):
        text = await asyncio.create_task(step(i, text))
    return text


async def chain_of_100(rounds: int) -> list[Row]:
    planned, workflow = engine.plan(chain(LENGTH)), chain(LENGTH)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            engine.stored(Path(folder)) as awe,
            AsyncSqliteSaver.from_conn_string(str(Path(folder) / "langgraph.db")) as saver,
        ):
            workflow_id = await awe.add(workflow)
            bare, kept = langgraph_chain(LENGTH), langgraph_chain(LENGTH, saver)

            async def langgraph(graph: Any) -> str:
                config = {"configurable": {"thread_id": uuid4().hex}, "recursion_limit": LENGTH + 10}
                return (await graph.ainvoke({"text": TEXT}, config))["text"]

            systems: dict[str, Work] = {
                "asyncio floor, a task a node": floor,
                "AWE engine, not stored": lambda: engine.run(planned),
                "LangGraph, not stored": lambda: langgraph(bare),
                "AWE, stored in SQLite": lambda: awe.run(workflow_id),
                "LangGraph, AsyncSqliteSaver": lambda: langgraph(kept),
            }
            for name, work in systems.items():
                assert await work() == EXPECTED, name
            return await in_turn("W1 chain of 100", systems, rounds=rounds, each=7)


async def main(rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return await chain_of_100(rounds) + await effectful(rounds, Path(folder))


async def effectful(rounds: int, folder: Path) -> list[Row]:
    """Every node is stored before the next one begins, beside hand-written code that does no more than that."""
    writer = Writer(asyncio.get_running_loop(), str(folder / "floor.db"))
    writer.start()

    async def one() -> None:
        name = uuid4().hex
        for i in range(LENGTH):
            await writer.store([(name, f"n{i}", TEXT)])

    async def ten() -> None:
        name = uuid4().hex
        for i in range(10):
            await writer.store([(name, f"n{i}", TEXT)])

    async with engine.stored(folder) as awe:
        long, short = await awe.add(effectful_chain(LENGTH)), await awe.add(effectful_chain(10))
        assert await awe.run(long) == await awe.run(short) == TEXT
        chains: dict[str, Work] = {
            "hand-written floor, a synced commit a node": one,
            "AWE, stored in SQLite": lambda: awe.run(long),
        }
        rows = await in_turn("W1, every node effectful", chains, rounds=rounds, each=5)
        many: dict[str, Work] = {
            "hand-written floor, shared synced commits": lambda: asyncio.gather(*(ten() for _ in range(200))),
            "AWE, stored in SQLite": lambda: asyncio.gather(*(awe.run(short) for _ in range(200))),
        }
        rows += await in_turn("200 × 10 effectful nodes", many, rounds=rounds, each=1)
    writer.stop()
    return rows
