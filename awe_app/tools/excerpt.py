"""Long texts in parts that a model can take."""

from typing import Any


def excerpt(text: str, start: int, max_chars: int) -> dict[str, Any]:
    """``{text, cut}``; ``cut`` is where to read on, null at the end."""
    end = start + max_chars
    return {"text": text[start:end], "cut": end if end < len(text) else None}
