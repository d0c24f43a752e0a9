"""Input fields: coercion by type, and clear refusals."""

from typing import Any

import pytest

from awe_app.domain.errors import Invalid
from awe_app.nodes.input import read_inputs
from tests.builders import graph, node, read


def ask(given: dict[str, Any], **field: Any) -> Any:
    raw = graph("", node("start", "input", {"fields": [{"name": "v", **field}]}))
    return read_inputs(read(raw), given)["v"]


@pytest.mark.parametrize(
    ("field_type", "given", "value"),
    [
        ("text", "x", "x"),
        ("text", 3, "3"),
        ("long_text", True, "true"),
        ("number", "2.5", 2.5),
        ("number", 3, 3),
        ("number", "3", 3),
        ("integer", "3", 3),
        ("integer", 3.0, 3),
        ("boolean", "true", True),
        ("boolean", 0, False),
        ("list", ["a"], ["a"]),
        ("list", '["a", 1]', ["a", 1]),
        ("list", "a\n\n b ", ["a", "b"]),
        ("json", '{"a": 1}', {"a": 1}),
        ("json", {"a": 1}, {"a": 1}),
        ("json", "just text", "just text"),
        ("file", "upload-1", "upload-1"),
    ],
)
def test_values_take_the_type_of_their_field(field_type: str, given: Any, value: Any) -> None:
    got = ask({"v": given}, type=field_type)
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ({"type": "number"}, "three"),
        ({"type": "number"}, True),
        ({"type": "number"}, "inf"),
        ({"type": "number"}, [1]),
        ({"type": "integer"}, 2.5),
        ({"type": "boolean"}, "perhaps"),
        ({"type": "select", "options": ["a", "b"]}, "c"),
        ({"type": "list"}, {"a": 1}),
        ({"type": "list"}, "[broken"),
        ({"type": "file"}, 3),
    ],
)
def test_values_of_the_wrong_type_are_refused(field: dict[str, Any], given: Any) -> None:
    with pytest.raises(Invalid) as refused:
        ask({"v": given}, **field)
    (issue,) = refused.value.issues
    assert (issue.code, issue.field) == ("INVALID_INPUT", "inputs.v")


def test_missing_values_take_the_default_or_are_null() -> None:
    assert ask({}, default="d") == "d"
    assert ask({}, type="number", default="4") == 4
    assert ask({}) is None


@pytest.mark.parametrize("given", [{}, {"v": None}, {"v": ""}])
def test_a_missing_required_value_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        ask(given, required=True)
    assert [issue.code for issue in refused.value.issues] == ["MISSING_INPUT"]


def test_an_undeclared_value_is_refused_and_all_findings_come_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        ask({"w": 1}, required=True)
    assert sorted(issue.code for issue in refused.value.issues) == ["MISSING_INPUT", "UNKNOWN_INPUT"]


def test_without_an_input_node_anything_goes() -> None:
    assert read_inputs(read(graph("a")), {"x": [1]}) == {"x": [1]}
