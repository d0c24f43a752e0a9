"""Conditions: one comparison, several rules, or an expression."""

from typing import Any

import pytest

from tests.builders import graph, node, run


@pytest.mark.parametrize(
    ("config", "port"),
    [
        ({"field": "{{ inputs.n }}", "operator": "greater_than", "value": 1}, "true"),
        ({"field": "{{ inputs.nothing }}", "operator": "is_empty"}, "true"),
        ({"rules": [{"field": "{{ inputs.n }}", "value": 2}, {"field": 1, "value": 2}]}, "false"),
        ({"rules": [{"field": "{{ inputs.n }}", "value": 2}, {"field": 1, "value": 2}], "combine": "any"}, "true"),
        ({"expression": "{{ inputs.n > `1` }}"}, "true"),
        ({"expression": "{{ inputs.nothing }}"}, "false"),
    ],
)
async def test_a_condition_takes_one_of_two_ways(config: dict[str, Any], port: str) -> None:
    state, _ = await run(graph("c:true -> t; c:false -> f", node("c", "condition", config)), {"n": 2})
    taken = {"t": "true", "f": "false"}
    assert [taken[i] for i in taken if state.node_states[i].status == "completed"] == [port]


async def test_its_output_is_the_fields_value() -> None:
    state, _ = await run(graph("", node("c", "condition", {"field": "{{ inputs.n }}", "value": 2})), {"n": 2})
    assert state.result == {"c": 2}


async def test_two_ways_at_once_are_refused() -> None:
    from awe_app.domain.errors import Invalid

    raw = graph("", node("c", "condition", {"field": 1, "expression": "{{ inputs.n }}"}))
    with pytest.raises(Invalid, match="only one of"):
        await run(raw)
