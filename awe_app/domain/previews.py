"""What stands in for a value that is too large to be shown everywhere."""

from typing import Any, TypeGuard

PREVIEW_CHARS = 4_000
_KEYS = {"truncated", "bytes", "preview"}


def preview_of(value: Any, json_text: str) -> dict[str, Any]:
    """``{"truncated": true, "bytes", "preview"}``: how long the value is as JSON, and how it begins.

    The beginning is that of the text itself for a text, and of the JSON for all else.
    """
    begins = value if isinstance(value, str) else json_text
    return {"truncated": True, "bytes": len(json_text), "preview": begins[:PREVIEW_CHARS]}


def is_preview(value: Any) -> TypeGuard[dict[str, Any]]:
    """True for what ``preview_of`` gives. For showing only: a node may give an object that looks the same."""
    return isinstance(value, dict) and value.keys() == _KEYS and value["truncated"] is True


def in_words(preview: dict[str, Any]) -> str:
    """The preview for people: how the value begins, and how much of it there is."""
    return f"{preview['preview']}\n… of {preview['bytes']:,} bytes; REST gives all of them."
