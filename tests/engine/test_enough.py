"""Loops that go on before every pass is done, and loops over what comes in."""

from typing import Any

import pytest

from awe_app.domain import events as ev
from awe_app.domain.ids import Path
from awe_app.engine.validate import validate
from awe_app.nodes.registry import discover
from tests.builders import graph, node, read, run
from tests.engine.crashes import fold, same_after_any_crash
from tests.engine.test_execute import TYPES, Probe, probe
from tests.engine.test_loops import inside, loop


@pytest.fixture(autouse=True)
def _forget() -> None:
    Probe.began.clear()
    Probe.ended.clear()


def sleepers(*waits_s: float, **config: Any) -> dict:
    return graph(
        "each -> end",
        loop("each", items=list(waits_s), concurrency=len(waits_s), **config),
        inside("each", probe("work", waits_s="{{ item }}", gives="{{ item }}")),
        node("end", "output", {}),
    )


async def test_enough_passes_lead_on_and_the_rest_run_out_without_effect() -> None:
    state, happened = await run(sleepers(0.1, 0, 0, enough=2), types=TYPES)
    assert state.result == [0, 0]
    finished = [event.path for event in happened if isinstance(event, ev.NodeFinished)]
    assert finished.index("end") < finished.index("each[0]/work")
    assert state.node_states[Path("each[0]/work")].status == "completed"


async def test_enough_passes_lead_on_and_the_rest_are_cancelled() -> None:
    state = await same_after_any_crash(sleepers(600, 0, 0, enough=2, cancel_rest=True), types=TYPES)
    assert state.result == [0, 0]
    assert state.node_states[Path("each[0]/work")].status == "cancelled"


async def test_the_rest_runs_out_after_a_crash_as_well() -> None:
    raw = sleepers(0.05, 0, enough=1)
    state = await same_after_any_crash(raw, types=TYPES)
    assert state.result == [0]
    assert state.node_states[Path("each[0]/work")].status == "completed"


async def test_a_rest_that_fails_does_no_harm() -> None:
    raw = graph(
        "each -> end",
        loop("each", items=[0.03, 0], concurrency=2, enough=1),
        inside("each", probe("work", waits_s="{{ item }}", gives="{{ item }}")),
        inside("each", node("strict", config={"template": "{{ keys(item) }}"})),
        node("end", "output", {}),
    )
    raw["edges"].append({"id": "x", "source": "work", "target": "strict"})
    raw["nodes"][2]["on_error"] = "continue"
    state, _ = await run(raw, types=TYPES)
    assert state.status == "completed"


async def test_what_a_pass_gave_may_be_enough() -> None:
    raw = graph(
        "each -> end",
        loop("each", items=[1, 5, 9, 5], enough="{{ item > `4` }}"),
        inside("each", probe("work", gives="{{ item }}")),
        node("end", "output", {}),
    )
    state = await same_after_any_crash(raw, types=TYPES)
    assert state.result == [1, 5]
    assert "each[2]/work" not in state.node_states


async def test_passes_that_failed_do_not_count() -> None:
    raw = graph(
        "each -> end",
        loop("each", items=[1, 2, 3, 4], enough=2, on_item_error="skip"),
        inside("each", node("work", config={"template": "{{ item == `1` && keys(`1`) || item }}"})),
        node("end", "output", {}),
    )
    state, _ = await run(raw)
    assert state.result == ["2", "3"]


async def test_a_loop_over_arrivals_runs_its_body_as_each_value_comes() -> None:
    raw = graph(
        "quick -> each; slow -> each; c:false -> each; each -> end",
        node("c", "condition", {"field": 1, "value": 1}),
        probe("slow", waits_s=0.03, gives="slow"),
        loop("each", mode="arrivals"),
        inside("each", node("body", config={"template": "{{ index }} {{ item }}"})),
        node("end", "output", {}),
    )
    state = await same_after_any_crash(raw, types=TYPES)
    assert state.result == ["0 quick", "1 slow"]


async def test_a_loop_to_which_nothing_comes_is_skipped() -> None:
    raw = graph(
        "c:false -> each; each -> after",
        node("c", "condition", {"field": 1, "value": 1}),
        loop("each", mode="arrivals"),
        inside("each", node("body")),
    )
    state, _ = await run(raw)
    assert state.node_states[Path("each")].status == "skipped"
    assert state.node_states[Path("after")].status == "skipped"


async def test_arrivals_inside_a_pass_are_the_passs_own() -> None:
    raw = graph(
        "",
        loop("outer", items=[1, 2], concurrency=2),
        inside("outer", node("a", config={"template": "a{{ item }}"})),
        inside("outer", node("b", config={"template": "b{{ item }}"})),
        inside("outer", loop("each", mode="arrivals", concurrency=2)),
        inside("each", node("body", config={"template": "{{ item }}{{ loops.outer.item }}"})),
    )
    raw["edges"] = [
        {"id": "1", "source": "a", "target": "each"},
        {"id": "2", "source": "b", "target": "each"},
    ]
    state = await same_after_any_crash(raw)
    assert state.result == {"outer": [["a11", "b11"], ["a22", "b22"]]}


async def test_what_was_enough_stays_so_when_variables_change_later() -> None:
    raw = graph(
        "each -> later -> hold",
        {**loop("each", mode="repeat", times=5, enough="{{ variables.n > `2` }}")},
        inside(
            "each",
            node("add", "set_variable", {"assignments": [{"name": "n", "value": "{{ sum([variables.n, `1`]) }}"}]}),
        ),
        inside("each", probe("work", gives="{{ variables.n }}")),
        probe("later"),
        probe("hold"),
        variables={"n": 0},
    )
    raw["edges"].append({"id": "x", "source": "add", "target": "work"})
    whole, happened = await run(raw, types=TYPES)
    assert whole.node_states[Path("each")].output == [1, 2, 3]
    for cut in range(1, len(happened)):
        _, later = await run(raw, types=TYPES, done=fold(happened[:cut]))
        assert fold([*happened[:cut], *later]).node_states[Path("each")].output == [1, 2, 3], cut


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"mode": "repeat", "times": 2, "more_on": "x"}, "loop_config"),
        ({"mode": "for_each", "items": [], "more_on": "not a name"}, "loop_config.more_on"),
    ],
)
def test_settings_that_do_not_fit_are_refused(config: dict[str, Any], field: str) -> None:
    issues = validate(read(graph("", node("each", "loop", config))), discover())
    assert [(issue.code, issue.field) for issue in issues] == [("INVALID_SETTING", field)]
