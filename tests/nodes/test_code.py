"""The code node, with the real sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from awe_app.adapters.sandbox import PythonSandbox
from awe_app.domain.execution import ExecutionState
from awe_app.domain.protocols import Capabilities
from awe_app.engine.validate import validate
from awe_app.nodes.code import Code
from awe_app.nodes.registry import discover
from tests.builders import graph, node, read, run


@pytest.fixture
async def sandbox() -> AsyncIterator[PythonSandbox]:
    made = PythonSandbox()
    yield made
    await made.stop()


async def compute(sandbox: PythonSandbox, code: str, engine: str = "safe", **rest: Any) -> ExecutionState:
    inputs = [{"name": "words", "value": "{{ inputs.words }}"}, {"name": "n", "value": 2}]
    made = node("c", "code", {"code": code, "engine": engine}, inputs=inputs, **rest)
    raw = graph("c -> o", made, node("o", "output"))
    capabilities = Capabilities(models=None, sandbox=sandbox)  # type: ignore[arg-type]
    state, _events = await run(raw, {"words": ["b", "a"]}, capabilities=capabilities)
    return state


@pytest.mark.parametrize("engine", ["safe", "full"])
async def test_it_sees_its_inputs_and_gives_the_last_value(engine: str, sandbox: PythonSandbox):
    code = "words.sort()\nprint('sorted', words)\n{'first': words[0], 'all': inputs, 'twice': words * n}"
    state = await compute(sandbox, code, engine)
    assert state.result["first"] == "a"
    assert state.result["twice"] == ["a", "b", "a", "b"]
    assert set(state.result["all"]) == {"words", "n"}
    assert "sorted ['a', 'b']" in [entry.message for entry in state.logs]
    assert state.node_states["c"].input == {"words": ["b", "a"], "n": 2}


async def test_a_program_that_fails_says_where(sandbox: PythonSandbox):
    state = await compute(sandbox, "a = 1\na / 0")
    assert state.error
    assert (state.status, state.error["code"]) == ("failed", "CODE_ERROR")
    assert state.error["detail"].startswith("line 2: ZeroDivisionError")


@pytest.mark.parametrize("engine", ["safe", "full"])
async def test_the_nodes_time_limit_ends_the_program(engine: str, sandbox: PythonSandbox):
    state = await compute(sandbox, "while True:\n    pass", engine, timeout_s=0.3)
    assert state.error
    assert state.error["code"] == "NODE_TIMEOUT"


async def test_a_program_that_is_wrong_is_not_tried_again(sandbox: PythonSandbox):
    state = await compute(sandbox, "1 / 0", retry={"max_attempts": 3, "backoff_s": 0})
    assert state.node_states["c"].attempts == 1


def codes(config: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(issue.code, issue.field) for issue in validate(read(graph("c", node("c", "code", config))), discover())]


def test_settings_are_checked_before_a_run():
    assert codes({}) == [("MISSING_SETTING", "code_config.code")]
    assert codes({"code": ""}) == [("INVALID_SETTING", "code_config.code")]
    assert codes({"code": "1", "engine": "fast"}) == [("INVALID_SETTING", "code_config.engine")]
    assert codes({"code": "1", "network": True}) == [("UNKNOWN_KEY", "code_config.network")]
    assert codes({"code": "{'a': {'b': 1}}"}) == []


def test_expressions_in_code_are_warned_of():
    assert codes({"code": "'{{ inputs.text }}'"}) == [("EXPRESSION_IN_CODE", "code_config.code")]
    assert codes({"code": "f'\\{{1}}'"}) == []


def test_nothing_of_the_code_runs_when_it_is_validated():
    assert codes({"code": "open('/tmp/x', 'w')\n(("}) == []


def test_the_card_shows_the_first_line_of_the_code():
    assert Code.summary({"code": "\n# a remark\nlen(text)\n"}) == "len(text)"
    assert Code.summary({}) == ""
