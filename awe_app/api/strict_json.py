"""JSON as AWE takes it: UTF-8, finite numbers, unique keys, at most 64 levels, text that every database can hold."""

import json
import math
import re
from typing import Any

from awe_app.domain.errors import Invalid

MAX_DEPTH = 64

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)  # the closing quote may be missing: never scans twice
_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_HINT = "Send one JSON value, encoded in UTF-8."


def check_json(body: bytes) -> None:
    """Let pass what is good JSON.

    Raises:
        Invalid: ``INVALID_JSON``, saying what is wrong; nothing of the body is repeated.
    """
    if _too_deep(body):
        raise Invalid("INVALID_JSON", f"The JSON is nested deeper than {MAX_DEPTH} levels.", "Make it flatter.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("INVALID_JSON", "The body is not valid UTF-8.", _HINT) from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Invalid("INVALID_JSON", f"The body is not valid JSON ({place}).", _HINT) from None
    except (ValueError, RecursionError):  # an integer of thousands of digits
        raise Invalid("INVALID_JSON", "The body is not JSON that AWE can take.", _HINT) from None
    if _SUSPICIOUS.search(body):
        _check_text(value)


def _too_deep(body: bytes) -> bool:
    """Whether brackets outside strings nest too deep; whole passes in C, no recursion."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", body).translate(_TO_SQUARE, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):  # each pass takes the innermost level away
        rest = brackets.replace(b"[]", b"")
        if len(rest) == len(brackets):
            break
        brackets = rest
    # What is left is deeper, or unbalanced, which json finds out unless it would recurse.
    return brackets.count(b"[") > MAX_DEPTH or b"[]" in brackets


def _not_finite(_text: str) -> float:
    raise Invalid("INVALID_JSON", "The JSON holds NaN or Infinity.", "Use null or a finite number.")


def _finite_float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _not_finite(text)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise Invalid("INVALID_JSON", "The JSON has the same key twice in one object.", "Keep one of them.")
    return unique


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise Invalid("INVALID_JSON", "The JSON holds a NUL character.", "Leave it out.")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Invalid("INVALID_JSON", "The JSON holds half of a surrogate pair.", "Leave it out.") from None
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            _check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_text(inner)


_DECODER = json.JSONDecoder(
    parse_constant=_not_finite, parse_float=_finite_float, object_pairs_hook=_unique_keys
)  # json.loads would make one for every body
