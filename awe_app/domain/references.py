"""Where expressions name a node: ``nodes.<id>`` and ``loops.<id>`` inside ``{{ … }}``."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

ValueT = TypeVar("ValueT")

_EXPRESSION = re.compile(r"(?<!\\)\{\{(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`(?:\\.|[^`\\])*`|.)*?\}\}", re.DOTALL)
"""An expression; the first ``}}`` outside quotes and backticks ends it, and ``\\{{`` is no beginning."""


def renamed_in(value: ValueT, old: str, new: str) -> ValueT:
    """The value with every mention of node ``old`` in its expressions turned to ``new``, however deep it stands."""
    mention = re.compile(
        r"'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`"  # texts: left alone
        rf"|(?P<root>(?<![\w.\"])(?:nodes|loops)\s*\.\s*)(?P<quote>\"?){re.escape(old)}(?P=quote)(?![\w\"])"
    )

    def rewrite(match: re.Match[str]) -> str:
        if match["root"] is None:
            return match[0]
        return f"{match['root']}{match['quote']}{new}{match['quote']}"

    def inside(part: Any) -> Any:
        if isinstance(part, str):
            return _EXPRESSION.sub(lambda found: mention.sub(rewrite, found[0]), part)
        if isinstance(part, Mapping):
            return {key: inside(item) for key, item in part.items()}
        if isinstance(part, list | tuple):
            return type(part)(inside(item) for item in part)
        return part

    return inside(value)
