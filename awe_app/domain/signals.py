"""What reaches an execution from outside while it runs or waits, stored before anybody is told.

A signal is an answer for one node instance, named by its path, or an event, named by a key of its own.
"""

from typing import Annotated

from pydantic import Field

from awe_app.domain.ids import Path, new_id

EVENT_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
EventName = Annotated[str, Field(pattern=EVENT_NAME_PATTERN)]

_MARK = "@"
"""No node's path begins so."""


def event_key(name: str) -> Path:
    """A new key for an event of that name."""
    return Path(f"{_MARK}{name}/{new_id()}")


def is_event(key: Path) -> bool:
    """True for the key of an event, False for the path of a node instance."""
    return key.startswith(_MARK)
