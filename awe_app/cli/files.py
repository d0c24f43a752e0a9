"""Workflow files and inputs as the command line takes them."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from awe_app.api.strict_json import check_json
from awe_app.domain.errors import Invalid


class Unreadable(Exception):
    """A file or an argument that cannot even be read; the message is one line."""


def read_json(file: str) -> Any:
    """The JSON in a file, or in standard input where the name is ``-``.

    Raises:
        Unreadable: it is not there, or not JSON as AWE takes it.
    """
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Unreadable(f"{file}: {error.strerror or error}") from None
    try:
        check_json(body)
    except Invalid as error:
        raise Unreadable(f"{file}: {error.detail.replace('The body', 'it')}") from None
    return json.loads(body)


def read_inputs(pairs: Sequence[str]) -> dict[str, Any]:
    """``k=v`` arguments by name; ``v`` is JSON where it parses, else the text itself.

    Raises:
        Unreadable: there is no ``=``, or no name before it.
    """
    inputs: dict[str, Any] = {}
    for pair in pairs:
        name, found, text = pair.partition("=")
        if not found or not name:
            raise Unreadable(f"--input {pair}: write name=value")
        try:
            inputs[name] = json.loads(text, parse_constant=_as_text)
        except ValueError:
            inputs[name] = text
    return inputs


def _as_text(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
