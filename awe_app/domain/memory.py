"""What agents keep from one execution to the next; ``adapters/memory.py`` keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from awe_app.domain.ids import UserId


@dataclass(frozen=True, slots=True)
class Memory:
    """One thing that is remembered."""

    id: str
    text: str
    created_at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """JSON: where it came from, such as ``{execution_id, node_id, kind}``."""
    score: float | None = None
    """How well it fits what was asked for, 0 to 1; None when nothing was."""


class LongTermMemory(Protocol):
    """Every user's memories by namespace, and nobody else's."""

    async def remember(
        self, user_id: UserId | None, namespace: str, text: str, metadata: Mapping[str, Any], key: str
    ) -> Memory:
        """Keep a text; ``key`` makes it the same one when it is asked for again after a crash."""
        ...

    async def recall(self, user_id: UserId | None, namespace: str, query: str, top_k: int) -> list[Memory]:
        """What fits the query best, by meaning and by how fresh it is; empty when nothing was ever kept."""
        ...

    async def page(
        self, user_id: UserId | None, namespace: str, limit: int, offset: int
    ) -> tuple[Sequence[Memory], int]:
        """A page of what is kept, the newest first, and how many there are."""
        ...

    async def namespaces(self, user_id: UserId | None) -> list[str]:
        """Names under which something is kept, in alphabetical order."""
        ...

    async def edit(self, user_id: UserId | None, namespace: str, memory_id: str, text: str) -> Memory:
        """Change the text. Raises NotFound ``MEMORY_NOT_FOUND``."""
        ...

    async def forget(self, user_id: UserId | None, namespace: str, memory_id: str | None = None) -> None:
        """Delete one memory, or with None all of the namespace. Raises NotFound ``MEMORY_NOT_FOUND``."""
        ...
