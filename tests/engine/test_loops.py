"""Loops: items, conditions, nesting, concurrency, errors, variables, resuming."""

import asyncio
from typing import Any

import pytest

from awe_app.domain import events as ev
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId
from awe_app.engine.validate import validate
from awe_app.nodes.registry import discover
from tests.builders import graph, node, read, run
from tests.engine.test_execute import TYPES, Probe, probe


@pytest.fixture(autouse=True)
def _forget() -> None:
    Probe.began.clear()
    Probe.ended.clear()


def loop(node_id: str, **config: Any) -> dict:
    return node(node_id, "loop", config)


def inside(parent_id: str, each: dict) -> dict:
    return {**each, "parent_id": parent_id}


async def test_each_item_runs_the_body_and_results_keep_the_order_of_the_items() -> None:
    raw = graph(
        "each -> end",
        loop("each", items="{{ inputs.names }}"),
        inside("each", node("hello", config={"template": "{{ index }}: hello {{ item }}"})),
        node("end", "output", {}),
    )
    state, happened = await run(raw, {"names": ["a", "b", "c"]})
    assert state.result == ["0: hello a", "1: hello b", "2: hello c"]
    assert [event.path for event in happened if isinstance(event, ev.NodeFinished)] == [
        "each[0]/hello",
        "each[1]/hello",
        "each[2]/hello",
        "each",
        "end",
    ]


@pytest.mark.parametrize("concurrency", [1, 3, 100])
async def test_passes_run_together_when_asked_and_keep_item_order(concurrency: int) -> None:
    raw = graph(
        "",
        loop("each", items=[0.03, 0.02, 0.01], concurrency=concurrency),
        inside("each", probe("work", waits_s="{{ item }}", gives="{{ item }}")),
    )
    state, _ = await run(raw, types=TYPES)
    assert state.result == {"each": [0.03, 0.02, 0.01]}
    expected = ["each[0]/work", "each[1]/work", "each[2]/work"]
    assert Probe.ended == (expected if concurrency == 1 else expected[::-1])


async def test_loops_nest_and_inner_names_are_the_innermost_loops() -> None:
    raw = graph(
        "",
        loop("outer", items=[["a", "b"], ["c"]]),
        inside("outer", loop("inner", items="{{ item }}")),
        inside("inner", node("leaf", config={"template": "{{ loops.outer.index }}.{{ index }} {{ item }}"})),
    )
    state, _ = await run(raw)
    assert state.result == {"outer": [["0.0 a", "0.1 b"], ["1.0 c"]]}
    assert "outer[0]/inner[1]/leaf" in state.node_states


async def test_the_inside_sees_what_is_upstream_of_the_loop() -> None:
    raw = graph(
        "before -> each",
        loop("each", items=[1, 2]),
        inside("each", node("a", config={"template": "{{ nodes.before.output }}{{ item }}"})),
        inside("each", node("b", config={"template": "{{ nodes.a.output }}!"})),
    )
    raw["edges"].append({"id": "inner", "source": "a", "target": "b"})
    state, _ = await run(raw)
    assert state.result == {"each": ["before1!", "before2!"]}


async def test_several_inner_leaves_give_an_object_and_skipped_ones_null() -> None:
    raw = graph(
        "",
        loop("each", items=[1, 2]),
        inside("each", node("big", "condition", {"field": "{{ item }}", "operator": "greater_than", "value": 1})),
        inside("each", node("yes")),
        inside("each", node("also")),
    )
    raw["edges"] = [
        {"id": "1", "source": "big", "source_handle": "true", "target": "yes"},
        {"id": "2", "source": "big", "source_handle": "true", "target": "also"},
    ]
    state, _ = await run(raw)
    assert state.result == {"each": [None, {"yes": "yes", "also": "also"}]}


async def test_repeat_runs_so_many_times_and_item_is_what_the_last_pass_gave() -> None:
    raw = graph(
        "", loop("again", mode="repeat", times=3), inside("again", node("a", config={"template": "{{ item }}x"}))
    )
    state, _ = await run(raw)
    assert state.result == {"again": ["x", "xx", "xxx"]}


async def test_while_asks_before_each_pass_and_variables_carry_over_and_out() -> None:
    raw = graph(
        "count -> end",
        loop("count", mode="while", condition="{{ variables.n < `3` }}"),
        inside(
            "count",
            node("add", "set_variable", {"assignments": [{"name": "n", "value": "{{ sum([variables.n, `1`]) }}"}]}),
        ),
        node("end", "output", {"value": "{{ variables.n }}"}),
        variables={"n": 0},
    )
    state, _ = await run(raw)
    assert state.result == 3
    assert state.variables == {"n": 3}
    assert state.node_states["count"].output == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize(
    "config", [{"mode": "repeat", "times": 4}, {"mode": "while", "condition": True}, {"items": [1, 2, 3, 4]}]
)
async def test_more_passes_than_the_limit_fail_the_loop(config: dict[str, Any]) -> None:
    raw = graph("", loop("l", max_iterations=3, **config), inside("l", node("a")))
    state, _ = await run(raw)
    assert state.error is not None
    assert (state.error["code"], state.error["node_id"]) == ("LOOP_LIMIT", "l")


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize(
    ("policy", "result"),
    [("skip", [1, 3]), ("collect", [1, {"error": {"code": "PROBE", "detail": "try 1 failed"}}, 3])],
)
async def test_a_failed_pass_is_left_out_or_collected(policy: str, result: list[Any], concurrency: int) -> None:
    raw = graph(
        "",
        loop("each", items=[[0, 1], [1, 2], [0, 3]], on_item_error=policy, concurrency=concurrency),
        inside("each", probe("work", fails="{{ item[0] }}", gives="{{ item[1] }}")),
    )
    state, _ = await run(raw, types=TYPES)
    assert (state.status, state.result) == ("completed", {"each": result})


async def test_a_failed_pass_fails_the_loop_which_has_its_own_policy() -> None:
    raw = graph(
        "each -> end",
        {**loop("each", items=[0, 1, 0], concurrency=3), "on_error": "continue", "default_output": "none"},
        inside("each", probe("work", fails="{{ item }}", waits_s=0.01)),
        node("end", "output", {}),
    )
    state, _ = await run(raw, types=TYPES)
    assert (state.status, state.result) == ("completed", "none")
    assert state.node_states["each"].status == "failed"


async def test_a_pass_that_is_given_up_stops_what_runs_in_it_also_deeper() -> None:
    raw = graph(
        "",
        loop("each", items=[1, 2], on_item_error="collect"),
        inside("each", probe("bad", fails=1, waits_s=0.01)),
        inside("each", loop("deep", items=[1])),
        inside("deep", probe("slow", waits_s=60)),
    )
    state, _ = await run(raw, types=TYPES)
    assert state.status == "completed"
    assert state.node_states["each[0]/deep[0]/slow"].status == "cancelled"
    assert state.node_states["each[0]/deep"].status == "cancelled"
    assert [row["error"]["code"] for row in state.result["each"]] == ["PROBE", "PROBE"]


async def test_a_loop_that_takes_too_long_fails() -> None:
    raw = graph("", {**loop("each", items=[1]), "timeout_s": 0.02}, inside("each", probe("slow", waits_s=60)))
    state, _ = await run(raw, types=TYPES)
    assert state.error is not None
    assert (state.error["code"], state.error["node_id"]) == ("NODE_TIMEOUT", "each")


async def test_a_loop_without_items_or_body_gives_a_list_all_the_same() -> None:
    empty, _ = await run(graph("", loop("each", items=[]), inside("each", node("a"))))
    bare, _ = await run(graph("", loop("each", items=[1, 2])))
    assert (empty.result, bare.result) == ({"each": []}, {"each": [None, None]})


async def test_items_that_are_no_list_fail_the_loop() -> None:
    state, _ = await run(graph("", loop("each", items="{{ inputs.x }}"), inside("each", node("a"))), {"x": "abc"})
    assert state.error is not None
    assert state.error["detail"] == "items must be a list, not str"


async def test_a_thousand_passes_one_after_another_do_not_stack_up() -> None:
    raw = graph("", loop("l", mode="repeat", times=1000), inside("l", node("a", config={"template": "{{ index }}"})))
    state, _ = await run(raw)
    assert state.result["l"][-1] == "999"


def test_setting_a_variable_in_passes_that_run_together_is_refused() -> None:
    raw = graph(
        "",
        loop("each", items=[1], concurrency=2),
        inside("each", node("s", "set_variable", {"assignments": [{"name": "n", "value": 1}]})),
    )
    assert ("VARIABLE_RACE", "s") in [(i.code, i.node_id) for i in validate(read(raw), discover())]


def test_edges_may_not_cross_the_border_of_a_loop() -> None:
    raw = graph("a -> b", inside("l", node("b")), loop("l", items=[1]))
    assert ("CROSSES_LOOP", "b") in [(i.code, i.node_id) for i in validate(read(raw), discover())]


def test_outside_names_of_the_inside_are_refused_and_item_in_the_condition_is_fine() -> None:
    raw = graph(
        "l -> end",
        loop("l", mode="while", condition="{{ index < `2` && item != 'x' }}"),
        inside("l", node("a")),
        node("end", "output", {"value": "{{ nodes.a.output }}"}),
    )
    assert [(i.code, i.node_id) for i in validate(read(raw), discover())] == [("NOT_UPSTREAM", "end")]


@pytest.mark.parametrize("forgets", [False, True])
async def test_resuming_a_nested_loop_at_every_point_runs_no_finished_node_again(forgets: bool) -> None:
    raw = graph(
        "outer -> end",
        loop("outer", items=[1, 2]),
        inside("outer", loop("count", mode="while", condition="{{ variables.n < loops.outer.item }}")),
        inside("count", probe("work", gives="{{ loops.outer.index }}")),
        inside(
            "count",
            node("add", "set_variable", {"assignments": [{"name": "n", "value": "{{ sum([variables.n, `1`]) }}"}]}),
        ),
        node("end", "output", {}),
        variables={"n": 0},
    )
    raw["edges"].append({"id": "x", "source": "work", "target": "add"})
    whole, happened = await run(raw, types=TYPES)
    assert whole.result == [[{"n": 1}], [{"n": 2}]]
    for cut in range(1, len(happened)):
        Probe.began.clear()
        done = ExecutionState(ExecutionId("test")).fold(happened[:cut])
        finished = {path for path, node_state in done.node_states.items() if node_state.status == "completed"}
        if forgets:
            done.forget_closed_passes()
        again, _ = await run(raw, types=TYPES, done=done)
        assert again.result == whole.result, f"cut at {cut}: {happened[cut - 1]}"
        assert not finished & set(Probe.began)


async def test_cancelling_inside_a_loop_leaves_no_task() -> None:
    raw = graph("", loop("each", items=[1, 2, 3], concurrency=3), inside("each", probe("slow", waits_s=60)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await run(raw, types=TYPES)
    assert [task for task in asyncio.all_tasks() if "slow" in task.get_name()] == []
