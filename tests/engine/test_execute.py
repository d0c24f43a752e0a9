"""The engine: routing, parallelism, errors, write-ahead, resuming. Expected events are literal."""

import asyncio
from typing import Any, ClassVar

import pytest
from pydantic import Field

from awe_app.domain import events as ev
from awe_app.domain.errors import Fenced, NodeFailed
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId
from awe_app.domain.models import Usage
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.engine.deps import Deps
from awe_app.engine.execute import execute
from awe_app.engine.plan import prepare
from awe_app.nodes.registry import discover
from tests.builders import NO_CAPABILITIES, graph, node, read, run


class ProbeConfig(NodeConfig):
    gives: Any = None
    waits_s: float = 0
    fails: int = Field(0, description="how many of the first tries fail")
    retryable: bool = True


class Probe(Node[ProbeConfig]):
    """An effectful node that does as it is told and remembers what it did."""

    type, title, icon, category = "probe", "Probe", "bug", "Data"
    effectful = True
    began: ClassVar[list[str]] = []
    ended: ClassVar[list[str]] = []

    async def run(self, ctx: NodeContext[ProbeConfig]) -> Outputs:
        self.began.append(ctx.path)
        ctx.stream("…")
        if ctx.config.waits_s:
            await asyncio.sleep(ctx.config.waits_s)
        if ctx.attempt <= ctx.config.fails:
            raise NodeFailed("PROBE", f"try {ctx.attempt} failed", retryable=ctx.config.retryable)
        ctx.spend(Usage(1, 2, 0.5))
        self.ended.append(ctx.path)
        return {"out": ctx.config.gives if ctx.config.gives is not None else dict(ctx.incoming)}


TYPES = {"probe": Probe}


@pytest.fixture(autouse=True)
def _forget() -> None:
    Probe.began.clear()
    Probe.ended.clear()


def statuses(state: ExecutionState) -> dict[str, str]:
    return {path: node_state.status for path, node_state in state.node_states.items()}


def probe(node_id: str, rest: dict[str, Any] | None = None, **config: Any) -> dict:
    return node(node_id, "probe", config, **(rest or {}))


async def test_a_chain_gives_its_last_value_and_numbers_its_events() -> None:
    raw = graph("a -> b", node("b", config={"template": "{{ nodes.a.output }}b"}), node("out", "output", {}))
    raw["edges"].append({"id": "x", "source": "b", "target": "out"})
    state, happened = await run(raw)
    assert state.status == "completed"
    assert state.result == "ab"
    assert [type(event).__name__ for event in happened] == [
        "ExecutionStarted",
        "LogWritten",
        "NodeFinished",
        "NodeFinished",
        "NodeFinished",
        "LogWritten",
        "ExecutionCompleted",
    ]
    assert [event.seq for event in happened] == list(range(1, 8))


async def test_the_branch_not_taken_is_skipped_and_branches_rejoin() -> None:
    raw = graph(
        "pick:true -> yes -> end; pick:false -> no -> never -> end",
        node("pick", "condition", {"field": "{{ inputs.n }}", "operator": "greater_than", "value": 2}),
        node("end", "output", {"value": "{{ nodes.yes.output || nodes.never.output }}"}),
    )
    state, _ = await run(raw, {"n": 3})
    assert state.result == "yes"
    assert statuses(state) == {
        "pick": "completed",
        "yes": "completed",
        "no": "skipped",
        "never": "skipped",
        "end": "completed",
    }
    other, _ = await run(raw, {"n": 1})
    assert other.result == "never"


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (graph("a -> b", node("b", "output", {"value": 7})), 7),
        (
            graph("a -> b; a -> c", node("b", "output", {"value": 1}), node("c", "output", {"value": 2})),
            {"b": 1, "c": 2},
        ),
        (graph("a -> b; a -> c"), {"b": "b", "c": "c"}),
        (graph(""), {}),
        (graph("a -> o; b -> o", node("o", "output", {})), {"a": "a", "b": "b"}),
        (graph("", node("n", "note", {}), node("o", "output", {"value": None})), None),
    ],
)
async def test_the_result_is_the_output_nodes_or_the_leaves(raw: dict, result: Any) -> None:
    state, _ = await run(raw)
    assert state.result == result


async def test_nodes_that_are_ready_run_at_the_same_time_with_no_barrier_between_levels() -> None:
    raw = graph("slow; quick -> after", probe("slow", waits_s=0.2), probe("quick"), probe("after"))
    await run(raw, types=TYPES)
    assert Probe.ended.index("after") < Probe.ended.index("slow")


async def test_an_effectful_node_starts_only_when_all_before_it_is_durable() -> None:
    asked: list[int] = []

    async def durable(seq: int) -> None:
        assert "b" not in Probe.began
        asked.append(seq)

    _, happened = await run(graph("a -> b", probe("b")), types=TYPES, durable=durable)
    started = next(event for event in happened if isinstance(event, ev.NodeStarted))
    finished_before = [event.seq for event in happened if isinstance(event, ev.NodeFinished) and event.path == "a"]
    assert asked == [started.seq]
    assert finished_before[0] < started.seq


async def test_a_node_that_fails_ends_the_execution_and_stops_what_runs() -> None:
    raw = graph("bad; slow", probe("bad", fails=1, waits_s=0.01), probe("slow", waits_s=60))
    state, happened = await run(raw, types=TYPES)
    assert state.status == "failed"
    assert state.error == {"code": "PROBE", "detail": "try 1 failed", "node_id": "bad"}
    assert statuses(state) == {"bad": "failed", "slow": "cancelled"}
    assert isinstance(happened[-1], ev.ExecutionFailed)
    assert [event.code for event in happened if isinstance(event, ev.ErrorRaised)] == ["PROBE"]


async def test_on_error_continue_goes_on_with_the_default_and_stays_failed() -> None:
    rest = {"on_error": "continue", "default_output": "instead"}
    raw = graph("bad -> end", probe("bad", rest, fails=1), node("end", "output", {}))
    state, _ = await run(raw, types=TYPES)
    assert (state.status, state.result) == ("completed", "instead")
    assert state.node_states["bad"].status == "failed"
    assert state.node_states["bad"].output == "instead"


async def test_on_error_branch_leaves_by_error_with_what_happened() -> None:
    raw = graph(
        "bad:error -> mend -> end; bad:out -> fine -> end",
        probe("bad", {"on_error": "branch"}, fails=1),
        node("mend", config={"template": "{{ nodes.bad.error.code }}: {{ nodes.bad.output.detail }}"}),
        node("end", "output", {}),
    )
    state, _ = await run(raw, types=TYPES)
    assert state.result == "PROBE: try 1 failed"
    assert state.node_states["fine"].status == "skipped"


async def test_a_failed_node_is_tried_again_with_growing_waits() -> None:
    waits: list[float] = []

    async def sleep(wait_s: float) -> None:
        waits.append(wait_s)

    raw = graph(
        "", probe("a", {"retry": {"max_attempts": 3, "backoff_s": 1, "backoff_factor": 2}}, fails=2, gives="ok")
    )
    state, happened = await run(raw, types=TYPES, sleep=sleep, random=lambda: 0.0)
    assert state.result == {"a": "ok"}
    assert state.node_states["a"].attempts == 3
    assert waits == [1, 2]
    assert [event.attempt for event in happened if isinstance(event, ev.NodeStarted)] == [1, 2, 3]


async def test_what_cannot_be_helped_is_not_tried_again() -> None:
    raw = graph("", probe("a", {"retry": {"max_attempts": 3, "backoff_s": 0}}, fails=1, retryable=False))
    state, _ = await run(raw, types=TYPES)
    assert state.status == "failed"
    assert state.node_states["a"].attempts == 1


async def test_a_node_that_takes_too_long_fails() -> None:
    state, _ = await run(graph("", probe("a", {"timeout_s": 0.02}, waits_s=30)), types=TYPES)
    assert state.error is not None
    assert state.error["code"] == "NODE_TIMEOUT"


async def test_an_unexpected_error_says_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Node[ProbeConfig]):
        """Raises."""

        type, title, icon, category = "broken", "Broken", "bug", "Data"

        async def run(self, ctx: NodeContext[ProbeConfig]) -> Outputs:
            raise KeyError("secret-in-a-stack")

    state, _ = await run(graph("", node("a", "broken", {})), types={"broken": Broken})
    assert state.error is not None
    assert "secret" not in str(state.error)
    assert "KeyError" in str(state.error["detail"])
    assert "secret-in-a-stack" in caplog.text


async def test_a_disabled_node_hands_on_what_came_in() -> None:
    raw = graph("a -> b -> c", node("b", disabled=True), node("c", "output", {}))
    state, _ = await run(raw)
    assert state.result == "a"
    assert state.node_states["b"].status == "skipped"


async def test_a_disabled_node_with_several_ports_is_skipped() -> None:
    raw = graph("a -> c; c:true -> t; c:false -> f", node("c", "condition", {"field": 1, "value": 1}, disabled=True))
    state, _ = await run(raw)
    assert statuses(state) == {"a": "completed", "c": "skipped", "t": "skipped", "f": "skipped"}


async def test_an_expression_error_at_run_time_fails_its_node() -> None:
    raw = graph("a -> b", node("b", config={"template": "{{ keys(nodes.a.output) }}"}))
    state, _ = await run(raw)
    assert state.error is not None
    assert (state.error["code"], state.error["node_id"]) == ("EXPRESSION_ERROR", "b")


async def test_usage_adds_up_in_the_node_and_the_execution() -> None:
    state, happened = await run(graph("a -> b", probe("a"), probe("b")), types=TYPES)
    assert state.usage == Usage(2, 4, 1.0)
    assert state.node_states["a"].usage == Usage(1, 2, 0.5)
    final = happened[-1]
    assert isinstance(final, ev.ExecutionCompleted)
    assert final.usage == state.usage


async def test_resuming_at_every_point_runs_no_finished_node_again_and_ends_the_same() -> None:
    raw = graph(
        "start -> a -> pick; pick:true -> b -> end; pick:false -> c -> end",
        node("start", "input", {"fields": [{"name": "n", "type": "number"}]}),
        probe("a", gives="x"),
        node("pick", "condition", {"field": "{{ nodes.a.output }}", "operator": "equals", "value": "x"}),
        probe("b", gives="y"),
        node("end", "output", {"value": "{{ nodes.b.output }}"}),
    )
    whole, happened = await run(raw, {"n": 1}, types=TYPES)
    for cut in range(1, len(happened)):
        Probe.began.clear()
        done = ExecutionState(ExecutionId("test")).fold(happened[:cut])
        finished = {path for path, state in done.node_states.items() if state.status == "completed"}
        again, later = await run(raw, {"n": 1}, types=TYPES, done=done)
        assert again.result == whole.result
        assert not finished & set(Probe.began), f"cut at {cut}"
        assert later[0].seq == cut + 1
        together = ExecutionState(ExecutionId("test")).fold([*happened[:cut], *later])
        assert statuses(together) == statuses(whole)


async def test_closing_the_iteration_cancels_running_nodes() -> None:
    plan = prepare(read(graph("", probe("slow", waits_s=60))), {**discover(), **TYPES})
    events = execute(plan, {}, Deps(ExecutionId("test"), NO_CAPABILITIES))
    async for event in events:
        if isinstance(event, ev.TextStreamed):
            break
    await events.aclose()
    assert Probe.began == ["slow"]
    assert Probe.ended == []
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "slow"] == []


async def test_an_execution_taken_over_elsewhere_stops_at_once() -> None:
    async def durable(_seq: int) -> None:
        raise Fenced

    with pytest.raises(Fenced):
        await run(graph("", probe("a")), types=TYPES, durable=durable)
    assert Probe.began == []


async def test_own_inputs_and_idempotency_key_reach_the_node() -> None:
    seen: list[tuple[dict[str, Any], str]] = []

    class Look(Node[ProbeConfig]):
        """Looks."""

        type, title, icon, category = "look", "Look", "eye", "Data"

        async def run(self, ctx: NodeContext[ProbeConfig]) -> Outputs:
            seen.append((dict(ctx.inputs), ctx.idempotency_key))
            return {"out": ctx.config.gives}

    raw = graph("", node("a", "look", {"gives": "{{ topic }}"}, inputs=[{"name": "topic", "value": "{{ inputs.t }}!"}]))
    state, _ = await run(raw, {"t": "AI"}, types={"look": Look})
    assert state.result == {"a": "AI!"}
    assert seen == [({"topic": "AI!"}, "test:a:")]


async def test_a_wide_and_a_long_graph_run() -> None:
    wide, _ = await run(graph("\n".join(f"a -> n{i} -> z" for i in range(300))))
    long, _ = await run(graph(" -> ".join(f"n{i}" for i in range(500))))
    assert (wide.status, long.status) == ("completed", "completed")
    assert len(wide.node_states) == 302
