"""Comparing two values: the operators of conditions and switches (CONTRACT §2)."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import re2

from awe_app.domain.errors import NodeFailed
from awe_app.domain.values import as_text, is_true

Operator = Literal[
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "matches",
    "greater_than",
    "greater_or_equal",
    "less_than",
    "less_or_equal",
    "in",
    "not_in",
    "is_empty",
    "is_not_empty",
    "is_true",
    "is_false",
    "exists",
]

UNARY: frozenset[str] = frozenset({"is_empty", "is_not_empty", "is_true", "is_false", "exists"})
"""Operators that compare with nothing."""


def holds(operator: Operator, field: Any, value: Any) -> bool:
    """Whether ``field operator value`` is true.

    Text and numbers compare as a person means it: ``3`` equals ``"3"``. Nothing (null) is not ordered: every
    ``greater`` and ``less`` with it is false.

    Raises:
        NodeFailed: ``COMPARISON_ERROR`` for values without an order, or a pattern that cannot be read.
    """
    return _OPERATORS[operator](field, value)


def _equals(field: Any, value: Any) -> bool:
    if isinstance(field, bool) != isinstance(value, bool) and not isinstance(field, str) and not isinstance(value, str):
        return False
    if isinstance(field, str) != isinstance(value, str) and field is not None and value is not None:
        return as_text(field) == as_text(value) or _same_number(field, value)
    return bool(field == value)


def _same_number(field: Any, value: Any) -> bool:
    left, right = _number(field), _number(value)
    return left is not None and left == right


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _contains(field: Any, value: Any) -> bool:
    if isinstance(field, Mapping):
        return as_text(value) in field
    if isinstance(field, list):
        return any(_equals(item, value) for item in field)
    return field is not None and as_text(value) in as_text(field)


def _matches(field: Any, value: Any) -> bool:
    """RE2, because it takes time linear in the text whatever the pattern."""
    try:
        return re2.search(as_text(value), as_text(field)) is not None
    except re2.error as error:
        detail = f"the pattern {as_text(value)[:80]!r} cannot be read: {error}"
        raise NodeFailed(
            "COMPARISON_ERROR", detail, "use RE2 syntax, without look-around and back-references"
        ) from error


def _order(field: Any, value: Any) -> int | None:
    """-1, 0 or 1; None when one of them is nothing."""
    if field is None or value is None:
        return None
    left, right = _number(field), _number(value)
    if left is not None and right is not None:
        return (left > right) - (left < right)
    if isinstance(field, str) and isinstance(value, str):
        return (field > value) - (field < value)
    detail = f"a {_kind(field)} and a {_kind(value)} have no order"
    raise NodeFailed("COMPARISON_ERROR", detail, "compare two numbers or two texts")


def _kind(value: Any) -> str:
    names = {bool: "truth value", str: "text", list: "list", dict: "object"}
    return names.get(type(value), "number")


def _is_empty(field: Any) -> bool:
    return field is None or field in ("", [], {}) or (isinstance(field, str) and not field.strip())


def _in(field: Any, value: Any) -> bool:
    """``value`` is a list, or text that names the choices between commas."""
    if isinstance(value, str):
        return _contains([part.strip() for part in value.split(",")], field)
    return _contains(value, field)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": _equals,
    "not_equals": lambda f, v: not _equals(f, v),
    "contains": _contains,
    "not_contains": lambda f, v: not _contains(f, v),
    "starts_with": lambda f, v: as_text(f).startswith(as_text(v)),
    "ends_with": lambda f, v: as_text(f).endswith(as_text(v)),
    "matches": _matches,
    "greater_than": lambda f, v: _order(f, v) == 1,
    "greater_or_equal": lambda f, v: _order(f, v) in (0, 1),
    "less_than": lambda f, v: _order(f, v) == -1,
    "less_or_equal": lambda f, v: _order(f, v) in (0, -1),
    "in": _in,
    "not_in": lambda f, v: not _in(f, v),
    "is_empty": lambda f, _v: _is_empty(f),
    "is_not_empty": lambda f, _v: not _is_empty(f),
    "is_true": lambda f, _v: is_true(f),
    "is_false": lambda f, _v: not is_true(f),
    "exists": lambda f, _v: f is not None,
}
