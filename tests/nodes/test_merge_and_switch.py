"""Merges and switches: what comes together and what goes where."""

from typing import Any

import pytest

from awe_app.engine.validate import validate
from awe_app.nodes.registry import discover
from tests.builders import graph, node, read, run
from tests.engine.test_execute import TYPES, Probe, probe


@pytest.mark.parametrize(
    ("mode", "result"),
    [("all", {"a": "a", "b": [1, 2]}), ("first", "a"), ("concat", ["a", 1, 2])],
)
async def test_a_merge_gives_an_object_the_first_or_a_list(mode: str, result: Any) -> None:
    raw = graph(
        "a -> m; s -> b -> m; pick:false -> c -> m; m -> end",
        node("s", "set_variable", {"assignments": [{"name": "v", "value": [1, 2]}]}),
        node("b", "condition", {"field": "{{ variables.v }}", "operator": "is_not_empty"}),
        node("pick", "condition", {"field": 1, "value": 1}),
        node("m", "merge", {"mode": mode}),
        node("end", "output", {}),
        variables={"v": None},
    )
    raw["edges"] = [{**e, "source_handle": "true"} if e["source"] == "b" else e for e in raw["edges"]]
    state, _ = await run(raw)
    assert state.result == result


async def test_first_goes_on_before_the_slow_branch_has_ended() -> None:
    Probe.ended.clear()
    raw = graph(
        "quick -> m; slow -> m; m -> after",
        probe("slow", waits_s=0.1),
        probe("quick", gives="q"),
        node("m", "merge", {"mode": "first"}),
        probe("after"),
    )
    state, happened = await run(raw, types=TYPES)
    assert Probe.ended == ["quick", "after", "slow"]
    assert state.node_states["m"].output == "q"
    assert len([e for e in happened if getattr(e, "path", None) == "m"]) == 1


async def test_first_is_skipped_when_nothing_arrives() -> None:
    raw = graph(
        "pick:false -> m; pick:false -> m2 -> m",
        node("pick", "condition", {"field": 1, "value": 1}),
        node("m", "merge", {"mode": "first"}),
    )
    state, _ = await run(raw)
    assert state.node_states["m"].status == "skipped"


CASES = [
    {"name": "refund", "field": "{{ inputs.text }}", "operator": "contains", "value": "money"},
    {"name": "bug", "field": "{{ inputs.text }}", "operator": "contains", "value": "broken"},
]


@pytest.mark.parametrize(
    ("text", "default", "taken"),
    [
        ("my money", True, ["refund"]),
        ("broken money", True, ["refund"]),
        ("it is broken", True, ["bug"]),
        ("hello", True, ["default"]),
        ("hello", False, []),
    ],
)
async def test_a_switch_takes_the_first_case_that_holds(text: str, default: bool, taken: list[str]) -> None:
    ports = ["refund", "bug", *(["default"] if default else [])]
    config = {"cases": CASES} if default else {"cases": CASES, "default": False}
    raw = graph("; ".join(f"s:{port} -> n_{port}" for port in ports), node("s", "switch", config))
    state, _ = await run(raw, {"text": text})
    done = [port for port in ports if state.node_states[f"n_{port}"].status == "completed"]
    assert done == taken


@pytest.mark.parametrize("name", ["default", "error", "refund"])
def test_case_names_that_would_confuse_are_refused(name: str) -> None:
    raw = graph("", node("s", "switch", {"cases": [CASES[0], {**CASES[1], "name": name}]}))
    assert [i.code for i in validate(read(raw), discover())] == ["INVALID_SETTING"]


async def test_a_switch_may_take_every_case_that_holds() -> None:
    raw = graph("s:refund -> r; s:bug -> b; s:default -> d", node("s", "switch", {"cases": CASES, "every": True}))
    both, _ = await run(raw, {"text": "broken money"})
    assert both.result == {"r": "r", "b": "b"}
    one, _ = await run(raw, {"text": "broken"})
    assert one.result == {"b": "b"}
    none, _ = await run(raw, {"text": "hello"})
    assert none.result == {"d": "d"}


def test_how_many_values_a_merge_waits_for_is_no_expression() -> None:
    raw = graph("a -> m", node("m", "merge", {"mode": "first", "count": "{{ inputs.n }}"}))
    (issue,) = validate(read(raw), discover())
    assert (issue.code, issue.field) == ("FIXED_SETTING", "merge_config.count")
