"""Nodes that name the same section never run at the same time."""

import asyncio
from typing import Any, ClassVar

import pytest

from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.engine.validate import validate
from awe_app.nodes.registry import discover
from tests.builders import graph, node, read, run
from tests.engine.crashes import same_after_any_crash
from tests.engine.test_execute import TYPES, Probe, probe
from tests.engine.test_loops import inside, loop


class Turn(Node[NodeConfig]):
    """Remembers who was at work with it."""

    type, title, icon, category = "turn", "Turn", "users", "Data"
    effectful = True
    inside: ClassVar[set[str]] = set()
    order: ClassVar[list[str]] = []
    most: ClassVar[int] = 0
    Config = NodeConfig

    async def run(self, ctx: NodeContext[NodeConfig]) -> Outputs:
        self.inside.add(ctx.path)
        self.order.append(ctx.path)
        Turn.most = max(Turn.most, len(self.inside))
        for _turn in range(5):
            await asyncio.sleep(0)
        self.inside.discard(ctx.path)
        return {"out": ctx.path}


ALL = {**TYPES, "turn": Turn}


@pytest.fixture(autouse=True)
def _forget() -> None:
    Probe.began.clear()
    Probe.ended.clear()
    Turn.inside.clear()
    Turn.order.clear()
    Turn.most = 0


def turn(node_id: str, exclusive: str | None = "x", **rest: Any) -> dict:
    return node(node_id, "turn", {}, exclusive=exclusive, **rest)


async def test_without_a_section_all_run_together() -> None:
    await run(graph("", *(turn(name, None) for name in "abcd")), types=ALL)
    assert Turn.most == 4


async def test_one_at_a_time_in_the_order_in_which_they_became_ready() -> None:
    state = await same_after_any_crash(graph("a -> d", *(turn(name) for name in "abcd")), types=ALL)
    assert state.status == "completed"
    assert Turn.most == 1
    assert Turn.order[:4] == ["a", "b", "c", "d"]


async def test_two_sections_do_not_hinder_each_other() -> None:
    await run(graph("", turn("a"), turn("b"), turn("c", "y"), turn("d", "y")), types=ALL)
    assert Turn.most == 2


async def test_a_section_around_a_loop_holds_for_all_its_passes() -> None:
    raw = graph(
        "",
        {**loop("one", items=[1, 2]), "exclusive": "x"},
        inside("one", turn("a", None)),
        {**loop("two", items=[1, 2]), "exclusive": "x"},
        inside("two", turn("b", None)),
    )
    state = await same_after_any_crash(raw, types=ALL)
    assert state.result == {"one": ["one[0]/a", "one[1]/a"], "two": ["two[0]/b", "two[1]/b"]}
    assert Turn.most == 1
    assert Turn.order[:4] == ["one[0]/a", "one[1]/a", "two[0]/b", "two[1]/b"]


async def test_a_section_reaches_through_the_passes_of_a_loop() -> None:
    raw = graph("", loop("each", items=[1, 2, 3], concurrency=3), inside("each", turn("a")), turn("b"))
    await run(raw, types=ALL)
    assert Turn.most == 1
    assert len(Turn.order) == 4


async def test_a_failed_or_cancelled_node_leaves_its_section() -> None:
    raw = graph(
        "quick -> m; slow -> m",
        probe("bad", {"exclusive": "x", "on_error": "continue"}, fails=1),
        turn("after_bad"),
        probe("slow", {"exclusive": "y"}, waits_s=600),
        turn("after_slow", "y"),
        node("m", "merge", {"mode": "first", "cancel_rest": True}),
    )
    state, _ = await run(raw, types=ALL)
    assert state.status == "completed"
    assert set(Turn.order) == {"after_bad", "after_slow"}


async def test_a_pass_that_fails_leaves_its_section() -> None:
    raw = graph(
        "",
        loop("each", items=[1, 2], concurrency=2, on_item_error="skip"),
        inside("each", probe("bad", {"exclusive": "x"}, fails=1)),
        turn("after"),
    )
    state, _ = await run(raw, types=ALL)
    assert state.status == "completed"
    assert Turn.order == ["after"]


@pytest.mark.parametrize(
    "raw",
    [
        graph("", {**loop("one", items=[1]), "exclusive": "x"}, inside("one", turn("a"))),
        graph(
            "",
            {**loop("one", items=[1]), "exclusive": "x"},
            inside("one", turn("a", "y")),
            {**loop("two", items=[1]), "exclusive": "y"},
            inside("two", turn("b", "x")),
        ),
    ],
)
def test_sections_that_would_wait_for_each_other_are_refused(raw: dict) -> None:
    issues = validate(read(raw), {**discover(), **ALL})
    assert [issue.code for issue in issues] == ["SECTION_DEADLOCK"]


def test_nested_sections_in_one_order_are_fine() -> None:
    raw = graph("", {**loop("one", items=[1]), "exclusive": "x"}, inside("one", turn("a", "y")), turn("b", "y"))
    assert validate(read(raw), {**discover(), **ALL}) == []
