"""Expressions: what is written in the file, and what it gives."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awe_app.domain.errors import NodeFailed
from awe_app.engine.expressions import ExpressionSyntaxError, Reference, compile_value, is_whole_expression

SCOPE: dict[str, Any] = {
    "inputs": {"topic": "AI", "count": 3, "on": True, "none": None},
    "nodes": {"list": {"output": [{"x": 1}, {"x": 2}], "error": None}},
    "variables": {"tone": "{{ inputs.topic }}"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ inputs.topic }}", "AI"),
        ("{{ inputs.count }}", 3),
        ("{{inputs.on}}", True),
        ("{{ inputs.missing }}", None),
        ("{{ inputs.topic.deeper }}", None),
        ("{{ nodes.list.output }}", [{"x": 1}, {"x": 2}]),
        ("{{ nodes.list.output[*].x }}", [1, 2]),
        ("{{ nodes.list.output[?x > `1`] | [0] }}", {"x": 2}),
        ("{{ length(nodes.list.output) }}", 2),
        ("{{ join(', ', ['}}', inputs.topic]) }}", "}}, AI"),
        ('{{ inputs."topic" }}', "AI"),
        ('{{ `{"a": {"b": 1}}` }}', {"a": {"b": 1}}),
    ],
)
def test_a_whole_string_expression_gives_the_value_itself(text: str, value: Any) -> None:
    assert compile_value(text).resolve(SCOPE) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("about {{ inputs.topic }}", "about AI"),
        ("{{ inputs.count }}/{{ inputs.count }}", "3/3"),
        ("on: {{ inputs.on }}.", "on: true."),
        ("[{{ inputs.none }}]", "[]"),
        ("{{ nodes.list.output }} ", '[{"x": 1}, {"x": 2}] '),
        (r"\{{ inputs.topic }} {{ inputs.topic }}", "{{ inputs.topic }} AI"),
        (r"\{{ only text }}", "{{ only text }}"),
    ],
)
def test_expressions_inside_a_text_are_put_in_as_text(text: str, value: str) -> None:
    assert compile_value(text).resolve(SCOPE) == value


def test_what_an_expression_gives_is_never_expanded_again() -> None:
    assert compile_value("{{ variables.tone }}").resolve(SCOPE) == "{{ inputs.topic }}"
    assert compile_value("tone {{ variables.tone }}").resolve(SCOPE) == "tone {{ inputs.topic }}"


def test_strings_anywhere_inside_json_are_resolved() -> None:
    value = compile_value({"a": ["{{ inputs.count }}", {"b": "{{ inputs.topic }}!"}], "c": 1})
    assert value.resolve(SCOPE) == {"a": [3, {"b": "AI!"}], "c": 1}
    assert not value.constant
    assert compile_value({"a": [1, "x"]}).constant


@pytest.mark.parametrize(
    "text", ["{{ inputs.topic", "{{ }}", "{{ a b }}", "{{ foo(x) }}", "{{ 'open }}", "{{ " + "(" * 5000]
)
def test_what_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(ExpressionSyntaxError):
        compile_value(text)


def test_a_jmespath_error_fails_the_node() -> None:
    with pytest.raises(NodeFailed) as failed:
        compile_value("{{ length(inputs.count) }}").resolve(SCOPE)
    assert failed.value.code == "EXPRESSION_ERROR"
    assert "length(inputs.count)" in failed.value.detail


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("{{ nodes.a.output.x }}", {("nodes", "a")}),
        ("{{ nodes.a.output || nodes.b.output }}", {("nodes", "a"), ("nodes", "b")}),
        ("{{ topic }}", {("topic", None)}),
        ("{{ sort_by(nodes.a.output, &score)[0].name }}", {("nodes", "a")}),
        ("{{ nodes.a.output[?id == 'x'].{name: title} | [0] }}", {("nodes", "a")}),
        ("{{ {a: inputs.x, b: [item, index]} }}", {("inputs", "x"), ("item", None), ("index", None)}),
        ("{{ inputs.x }} and {{ variables.y }}", {("inputs", "x"), ("variables", "y")}),
    ],
)
def test_the_names_an_expression_uses_are_known(text: str, references: set[tuple[str, str | None]]) -> None:
    assert compile_value(text).references == {Reference(root, key) for root, key in references}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_value_passes_through_a_whole_string_expression_unchanged(value: Any) -> None:
    assert compile_value("{{ inputs.v }}").resolve({"inputs": {"v": value}}) is value


@given(JSON)
def test_objects_and_lists_stand_in_a_text_as_json(value: Any) -> None:
    text = compile_value("v={{ inputs.v }}").resolve({"inputs": {"v": value}})
    if isinstance(value, dict | list):
        assert json.loads(text.removeprefix("v=")) == value


@given(st.text())
def test_text_without_two_braces_is_itself(text: str) -> None:
    if "{{" not in text:
        assert compile_value(text).resolve({}) == text
    else:
        assert compile_value(text.replace("{{", r"\{{")).resolve({}) is not None


@pytest.mark.parametrize(
    ("raw", "whole"), [("{{ a }}", True), (" {{ a }}", False), ("{{ a", False), ("a", False), (3, False)]
)
def test_only_a_string_that_is_one_expression_is_whole(raw: Any, whole: bool) -> None:
    assert is_whole_expression(raw) is whole
