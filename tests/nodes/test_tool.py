"""The tool node."""

from typing import Any

import pytest

from awe_app.domain.protocols import Capabilities
from awe_app.engine.validate import validate
from awe_app.nodes.form import form
from awe_app.nodes.registry import discover
from awe_app.nodes.tool import Tool
from awe_app.tools.registry import discover_tools
from tests.builders import graph, node, read, run

NOTHING = Capabilities(models=None)  # type: ignore[arg-type]


async def test_it_gives_what_the_tool_gives():
    made = node("t", "tool", {"tool": "calculator", "arguments": {"expression": "{{ inputs.n }} * 2"}})
    state, _events = await run(graph("t -> o", made, node("o", "output")), {"n": 21}, capabilities=NOTHING)
    assert state.result == 42


@pytest.mark.parametrize(
    ("arguments", "code"),
    [({"expression": "{{ inputs.missing }}"}, "INVALID_ARGUMENTS"), ({"expression": "1 / 0"}, "CALCULATION_FAILED")],
)
async def test_what_the_tool_refuses_fails_the_node(arguments: dict[str, Any], code: str):
    made = node("t", "tool", {"tool": "calculator", "arguments": arguments})
    state, _events = await run(graph("t", made), capabilities=NOTHING)
    assert state.error
    assert state.error["code"] == code


async def test_a_name_that_is_known_only_at_run_time_is_looked_up_then():
    made = node("t", "tool", {"tool": "{{ inputs.name }}", "arguments": {"expression": "1 + 1"}})
    state, _events = await run(graph("t -> o", made, node("o", "output")), {"name": "calculator"}, capabilities=NOTHING)
    assert state.result == 2
    state, _events = await run(graph("t", made), {"name": "abacus"}, capabilities=NOTHING)
    assert state.error
    assert state.error["code"] == "UNKNOWN_TOOL"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({}, [("MISSING_SETTING", "tool_config.tool")]),
        ({"tool": "abacus"}, [("UNKNOWN_TOOL", "tool_config.tool")]),
        ({"tool": "calculator", "arguments": {"sum": 1}}, [("INVALID_ARGUMENTS", "tool_config.arguments.sum")]),
        ({"tool": "calculator", "arguments": []}, [("INVALID_SETTING", "tool_config.arguments")]),
        ({"tool": "calculator", "retries": 3}, [("UNKNOWN_KEY", "tool_config.retries")]),
        ({"tool": "calculator", "arguments": {"expression": "{{ inputs.x }}"}}, []),
        ({"tool": "calculator", "arguments": "{{ inputs.all }}"}, []),
    ],
)
def test_settings_are_checked_before_a_run(config: dict[str, Any], found: list[tuple[str, str]]):
    issues = validate(read(graph("t", node("t", "tool", config))), discover())
    assert [(issue.code, issue.field) for issue in issues] == found


def test_the_form_offers_every_tool():
    field = next(field for field in form(Tool) if field.name == "tool")
    assert (field.widget, field.options) == ("select", tuple(discover_tools()))
    assert Tool.summary({"tool": "calculator"}) == "calculator"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({"tool": "workflow"}, [("INVALID_SETTING", "tool_config.settings.workflow_id")]),
        ({"tool": "workflow", "settings": {"workflow_id": "{{ inputs.id }}"}, "arguments": {"any": 1}}, []),
        ({"tool": "ask_human", "settings": {"timeout_s": -1}}, [("INVALID_SETTING", "tool_config.settings.timeout_s")]),
        ({"tool": "calculator", "settings": {"x": 1}}, [("INVALID_SETTING", "tool_config.settings.x")]),
    ],
)
def test_the_tools_own_settings_are_checked_before_a_run(config: dict[str, Any], found: list[tuple[str, str]]):
    issues = validate(read(graph("t", node("t", "tool", config))), discover())
    assert [(issue.code, issue.field) for issue in issues] == found
