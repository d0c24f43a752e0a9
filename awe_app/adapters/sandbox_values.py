"""What goes into and comes out of the sandbox, for both engines."""

import json
import keyword
import math
from collections.abc import Mapping
from typing import Any

from awe_app.domain.errors import NodeFailed

TIME_S = 10.0
"""A program may run so long; a node's ``timeout_s`` may give it less."""
MAX_CODE_CHARS = 64_000
MAX_RESULT_BYTES = 5 * 1024 * 1024
MAX_PRINTED_CHARS = 64 * 1024
MAX_DEPTH = 64


def names_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The names a program sees: each input that can be a name, and all of them as ``inputs``."""
    usable = {name: value for name, value in inputs.items() if name.isidentifier() and not keyword.iskeyword(name)}
    return {**usable, "inputs": dict(inputs)}


def checked(value: Any) -> Any:
    """The value if a workflow can hold it; it comes from a process that is not trusted.

    Raises:
        NodeFailed: ``CODE_RESULT``.
    """
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise no_result(f"it is nested deeper than {MAX_DEPTH}")
        deeper: list[Any] = []
        for each in level:
            if isinstance(each, float) and not math.isfinite(each):
                raise no_result(f"it holds {each}, which JSON does not have")
            if isinstance(each, int) and each.bit_length() > 4096:
                raise no_result("it holds a number of more than a thousand digits")
            if isinstance(each, dict):
                deeper += each.values()
            elif isinstance(each, list):
                deeper += each
        level = deeper
    try:
        size = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        raise no_result("it is no JSON") from None
    if size > MAX_RESULT_BYTES:
        raise no_result(f"it is larger than {MAX_RESULT_BYTES // 1024 // 1024} MB")
    return value


def no_result(why: str) -> NodeFailed:
    """The failure of a program whose result cannot be used."""
    return NodeFailed("CODE_RESULT", f"the result cannot be used: {why}")


def syntax_error(message: str, line: int | None) -> NodeFailed:
    """The failure of a program that is no Python."""
    return NodeFailed("CODE_SYNTAX", _at(line, message))


def run_error(message: str, line: int | None) -> NodeFailed:
    """The failure of a program that raised."""
    return NodeFailed("CODE_ERROR", _at(line, message))


def took_too_long(time_s: float) -> NodeFailed:
    """The failure of a program that did not end in time."""
    return NodeFailed("CODE_TIMEOUT", f"the code ran longer than {time_s:g} s")


def crashed() -> NodeFailed:
    """The failure of a program whose process is gone without a word."""
    detail = "the code's process ended before it gave anything: it used too much memory or time, or ended itself"
    return NodeFailed("CODE_CRASHED", detail, retryable=True)


def too_much_memory() -> NodeFailed:
    """The failure of a program that wanted more memory than there is for it."""
    return NodeFailed("CODE_MEMORY", "the code used more memory than it may")


def _at(line: int | None, message: str) -> str:
    return f"line {line}: {message}" if line else message
