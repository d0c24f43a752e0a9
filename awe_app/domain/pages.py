"""Lists in pages: what is asked for and what comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

ItemT = TypeVar("ItemT")

MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which part of a list. ``sort`` is ``name created_at updated_at``, with ``-`` in front for descending."""

    limit: int = 50
    offset: int = 0
    q: str = ""
    """Text that the name or description holds, in any case."""
    sort: str = ""
    """Empty means the list's own order."""


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """One page of a list and how long the whole list is."""

    items: list[ItemT]
    total: int
    limit: int
    offset: int

    def as_json(self, item: Callable[[ItemT], Any]) -> dict[str, Any]:
        """The page as REST shows it, each item by ``item``."""
        return {
            "items": [item(i) for i in self.items],
            "total": self.total,
            "limit": self.limit,
            "offset": self.offset,
        }
