"""Random graphs of up to 500 nodes: the engine agrees with a naive interpreter, whole and resumed anywhere."""

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId
from tests.builders import run
from tests.conftest import Figures
from tests.engine.naive import Expected, interpret
from tests.engine.random_workflows import random_workflow

MANY = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@st.composite
def random_graph(draw: st.DrawFn, most: int = 60) -> dict[str, Any]:
    """A graph of nodes that run in line."""
    size = draw(st.integers(1, most))
    return random_workflow(draw(st.randoms(use_true_random=False)), size)


def outcome(state: ExecutionState) -> tuple[dict[str, Any], set[str], Any]:
    gave = {path: n.output for path, n in state.node_states.items() if n.status == "completed"}
    return gave, {path for path, n in state.node_states.items() if n.status == "skipped"}, state.result


def wanted(expected: Expected) -> tuple[dict[str, Any], set[str], Any]:
    return expected.outputs, expected.skipped, expected.result


@MANY
@given(random_graph())
async def test_the_engine_agrees_with_a_naive_interpreter(raw: dict[str, Any]) -> None:
    state, happened = await run(raw)
    assert state.status == "completed"
    assert outcome(state) == wanted(interpret(raw))
    ended_at = {event.path: event.seq for event in happened if hasattr(event, "path") and event.path is not None}
    for edge in raw["edges"]:
        assert ended_at[edge["source"]] < ended_at[edge["target"]]


async def test_it_agrees_on_graphs_of_500_nodes_too(figures: Figures) -> None:
    for seed in range(figures.of(20, 400)):
        chance = random.Random(seed)
        raw = random_workflow(chance, 500 if seed % 4 == 0 else chance.randint(61, 500))
        state, _ = await run(raw)
        assert outcome(state) == wanted(interpret(raw)), f"seed {seed}"


@MANY
@given(random_graph(most=25), st.data())
async def test_resumed_at_any_point_it_ends_as_if_nothing_had_happened(
    raw: dict[str, Any], data: st.DataObject
) -> None:
    whole, happened = await run(raw)
    cut = data.draw(st.integers(1, len(happened) - 1))
    done = ExecutionState(ExecutionId("test")).fold(happened[:cut])
    _, later = await run(raw, done=done)
    together = ExecutionState(ExecutionId("test")).fold([*happened[:cut], *later])
    assert outcome(together) == outcome(whole)
    repeated = [
        e.path for e in later if hasattr(e, "path") and e.path in {p for p, n in done.node_states.items() if n.outputs}
    ]
    assert repeated == []
