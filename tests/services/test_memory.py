"""Memory that a driven execution takes: for what is open and what comes out of it, not for what is finished."""

import asyncio
import gc
import tracemalloc
from typing import Any

import pytest

from awe_app.domain.ids import ExecutionId
from tests.builders import graph, node
from tests.services.conftest import House
from tests.services.test_executions import start

NODES = 4
"""In each pass."""
MOST_BYTES = 250
"""For one more finished node: its share of the loop's results, and some room. Its state would take over a thousand."""


def long_loop(passes: int) -> dict[str, Any]:
    loop = node("each", "loop", {"mode": "repeat", "times": passes, "max_iterations": 10_000})
    body = [node(name, config={"template": f"{{{{ index }}}} {name}"}, parent_id="each") for name in "abcd"]
    return graph(
        "each -> gate -> end; a -> b -> c -> d", loop, *body, node("gate", "gate", {}), node("end", "output", {})
    )


def traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def retained(house: House, passes: int) -> tuple[int, int]:
    """Bytes held when all passes are over and the gate is reached: where it was driven, and where it is taken up."""
    begun: ExecutionId | None = None

    async def reach_the_gate() -> int:
        nonlocal begun
        house.gate.reached.clear()
        before = traced()
        if begun is None:
            begun = (await start(house, long_loop(passes))).execution_id
        else:
            await house.executions.adopt()
        async with asyncio.timeout(120):
            await house.gate.reached.wait()
        return traced() - before

    driven = await reach_the_gate()
    await house.stop()
    house.start()
    taken_up = await reach_the_gate()
    house.gate.open.set()
    assert begun is not None
    ended = await house.executions.wait(house.user, begun, 120)
    assert ended.status == "completed"
    assert len(ended.result) == passes
    house.gate.open.clear()
    return driven, taken_up


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which one makes no difference here
async def test_finished_nodes_take_no_memory_where_an_execution_is_driven(house: House) -> None:
    tracemalloc.start()
    try:
        await retained(house, 50)  # what is loaded and cached once
        few, many = await retained(house, 200), await retained(house, 600)
    finally:
        tracemalloc.stop()
    for one, other in zip(few, many, strict=True):
        assert (other - one) / (400 * NODES) < MOST_BYTES
