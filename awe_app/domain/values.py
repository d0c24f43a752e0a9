"""JSON values inside a workflow: how they read as text, and when they count as true."""

import json
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
