"""What reaches an execution from outside while it runs or waits, stored before anybody is told.

A signal is an answer for one node instance, named by its path (and the question, when it asks several), or an event,
named by a key of its own.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from awe_app.domain.ids import Path, new_id

EVENT_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
EventName = Annotated[str, Field(pattern=EVENT_NAME_PATTERN)]

_MARK = "@"
"""No node's path begins so."""
_QUESTION = "?"
"""No node's path holds it."""


def answer_key(path: Path, asked: Mapping[str, Any] | None) -> Path:
    """Where the answer is kept to what a node instance waits for; ``asked`` is the ``data`` it waits with.

    A node that asks more than once names each ``question``, so that no answer is taken for that of another one.
    """
    question = asked.get("question") if asked else None
    return Path(f"{path}{_QUESTION}{question}") if question else path


def event_key(name: str) -> Path:
    """A new key for an event of that name."""
    return Path(f"{_MARK}{name}/{new_id()}")


def is_event(key: Path) -> bool:
    """True for the key of an event, False for the path of a node instance."""
    return key.startswith(_MARK)
