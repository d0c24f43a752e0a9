"""Operators: what a person means by equal, greater, empty."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awe_app.domain.errors import NodeFailed
from awe_app.nodes.operators import Operator, holds


@pytest.mark.parametrize(
    ("operator", "field", "value", "expected"),
    [
        ("equals", "a", "a", True),
        ("equals", 3, "3", True),
        ("equals", 3, "3.0", True),
        ("equals", True, "true", True),
        ("equals", True, 1, False),
        ("equals", None, "", False),
        ("equals", [1], [1], True),
        ("not_equals", "a", "b", True),
        ("contains", "urgent: now", "urgent", True),
        ("contains", ["a", 3], "3", True),
        ("contains", {"k": 1}, "k", True),
        ("contains", None, "x", False),
        ("not_contains", "abc", "z", True),
        ("starts_with", "abc", "ab", True),
        ("ends_with", 1234, "34", True),
        ("matches", "order 66", r"\d+", True),
        ("greater_than", "10", 9, True),
        ("greater_than", "b", "a", True),
        ("greater_than", None, 1, False),
        ("greater_or_equal", 2, 2, True),
        ("less_than", 1.5, "2", True),
        ("less_or_equal", 3, 2, False),
        ("in", "b", ["a", "b"], True),
        ("in", "b", "a, b", True),
        ("not_in", "c", "a, b", True),
        ("is_empty", "  ", None, True),
        ("is_empty", [], None, True),
        ("is_empty", 0, None, False),
        ("is_not_empty", "x", None, True),
        ("is_true", "yes", None, True),
        ("is_true", "false", None, False),
        ("is_false", 0, None, True),
        ("exists", None, None, False),
        ("exists", "", None, True),
    ],
)
def test_operators_mean_what_a_person_means(operator: Operator, field: Any, value: Any, expected: bool) -> None:
    assert holds(operator, field, value) is expected


@pytest.mark.parametrize(("field", "value"), [("a", 1), ([1], 2), (True, "x"), ({}, [])])
def test_values_without_an_order_are_refused(field: Any, value: Any) -> None:
    with pytest.raises(NodeFailed) as failed:
        holds("greater_than", field, value)
    assert failed.value.code == "COMPARISON_ERROR"


def test_a_pattern_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(NodeFailed, match="cannot be read"):
        holds("matches", "x", "(")


def test_a_pattern_that_would_take_for_ever_elsewhere_is_linear_here() -> None:
    assert holds("matches", "a" * 5_000 + "!", r"^(a+)+$") is False


SCALARS = st.none() | st.booleans() | st.integers() | st.text()


@given(SCALARS, SCALARS)
def test_opposites_are_opposite(field: Any, value: Any) -> None:
    assert holds("equals", field, value) is not holds("not_equals", field, value)
    assert holds("contains", field, value) is not holds("not_contains", field, value)
    assert holds("in", field, [value]) is not holds("not_in", field, [value])


@given(SCALARS, SCALARS)
def test_equality_is_symmetric(field: Any, value: Any) -> None:
    assert holds("equals", field, value) is holds("equals", value, field)
