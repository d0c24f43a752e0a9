"""The whole engine in a deterministic simulation: random workflows, order, crashes, take-overs, refused writes.

A seed is one history. A failure names its seed; ``pytest tests/faults/test_simulation.py --seed N`` plays it again.
"""

import random
from functools import lru_cache
from typing import Any

from awe_app.domain.execution import ExecutionState
from awe_app.engine.plan import Plan, prepare
from awe_app.nodes.registry import discover
from tests.builders import read
from tests.conftest import Figures
from tests.engine.naive import Expected, interpret
from tests.engine.random_workflows import ALL, random_workflow
from tests.faults.simulated_loop import SimulatedLoop
from tests.faults.simulated_world import Effect, World

HISTORIES = 6
"""Seeds that share a workflow: making its plan takes as long as a few histories of it."""
UNSETTLED = ("pending", "running", "waiting")


@lru_cache(maxsize=1)
def workflow_of(number: int) -> tuple[dict[str, Any], Plan, Expected]:
    chance = random.Random(number)
    raw = random_workflow(chance, chance.choice([1, 3, 6, 10, 10, 20, 20, 40, 60]), ALL)
    return raw, prepare(read(raw), {**discover(), "effect": Effect}), interpret(raw)


def play(seed: int) -> World:
    """One history, from its seed."""
    raw, plan, expected = workflow_of(seed // HISTORIES)
    chance = random.Random(seed)
    loop = SimulatedLoop(chance)

    async def main() -> World:
        world = World(raw, plan, chance, crashes=chance.choice([0, 1, 1, 2, 5]))
        await world.run()
        return world

    world = loop.run(main())
    check(world.state, expected)
    assert not loop.complaints
    assert not [name for name in loop.left if name.startswith("n")], "the engine left tasks behind"
    unsettled = {path: node.status for path, node in world.state.node_states.items() if node.status in UNSETTLED}
    assert not unsettled, "nothing runs or waits after the end"
    return world


def check(state: ExecutionState, expected: Expected) -> None:
    """What came is what must come."""
    if expected.fatal:
        assert state.status == "failed"
        assert state.error is not None
        assert state.error["node_id"] in expected.fatal
        return
    assert state.status == "completed", state.error
    assert state.result == expected.result
    nodes = {path: node for path, node in state.node_states.items() if expected.certain(path)}
    statuses = {path: node.status for path, node in nodes.items()}
    certain = {path for path in [*expected.outputs, *expected.failed, *expected.skipped] if expected.certain(path)}
    wanted = {
        path: "failed" if path in expected.failed else "skipped" if path in expected.skipped else "completed"
        for path in certain
    }
    assert statuses == wanted
    for path, node in nodes.items():
        assert node.output == expected.outputs.get(path), path


def test_whatever_happens_in_whatever_order_the_execution_ends_as_it_must(figures: Figures) -> None:
    crashes = 0
    for seed in figures.seeds():
        try:
            crashes += play(seed).crashed
        except BaseException as error:
            error.add_note(f"seed {seed}: play it again with --seed {seed}")
            raise
    assert crashes or figures.seed is not None, "nothing was ever interrupted"


def test_a_seed_is_one_history() -> None:
    first, again = play(1234), play(1234)
    assert first.journal == again.journal
    assert first.begun == again.begun
