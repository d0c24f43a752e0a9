"""Text and JSON as any store takes them. Needs no database library: commands without a database use it as well."""

import json
import re
import unicodedata
from collections.abc import Mapping

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with U+FFFD for what no database can hold: NUL and lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text)


def _as_dict(value: object) -> dict[object, object]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a value of type {type(value).__name__} is no JSON")


to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_as_dict).encode
"""Compact JSON. TypeError for what JSON does not have, ValueError for NaN, infinities and circles."""


def match_key(text: str) -> str:
    """The text as it is compared where case does not matter, in every script and on every database."""
    return unicodedata.normalize("NFKC", text).casefold()
