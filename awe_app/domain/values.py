"""JSON values inside a workflow: how they read as text, and when they count as true."""

import json
from collections.abc import Mapping
from typing import Any


def as_text(value: Any) -> str:
    """How a value looks inside a text: objects as JSON, ``true`` and ``false``, null as nothing."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def is_true(value: Any) -> bool:
    """False for null, false, 0, nothing (``""``, ``[]``, ``{}``) and the text ``false``; true for all else."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false")
    return bool(value)


def has_expression(value: Any) -> bool:
    """True when a text somewhere in the value holds ``{{``, so that only a run can tell what it is."""
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, Mapping):
        return any(has_expression(item) for item in value.values())
    return isinstance(value, list | tuple) and any(has_expression(item) for item in value)
