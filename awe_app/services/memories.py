"""What a user's agents remember, for the user to look at, mend, take along and delete."""

from typing import Any

from awe_app.domain.accounts import User
from awe_app.domain.errors import Invalid
from awe_app.domain.ids import iso, utc_now
from awe_app.domain.memory import LongTermMemory, Memory
from awe_app.domain.pages import MAX_LIMIT, Page
from awe_app.services.failures import answered

MAX_CHARS = 20_000
"""Of one memory."""


class Memories:
    """The use cases of long-term memory. Everything is the user's own; there is no sharing."""

    def __init__(self, memory: LongTermMemory) -> None:
        self._memory = memory

    async def namespaces(self, user: User) -> list[dict[str, Any]]:
        """``{namespace, count}`` of each namespace in which something is kept, by name."""
        with answered():
            names = await self._memory.namespaces(user.id)
            return [{"namespace": name, "count": (await self._memory.page(user.id, name, 0, 0))[1]} for name in names]

    async def page(self, user: User, namespace: str, limit: int, offset: int) -> Page[Memory]:
        """The memories of a namespace, the newest first."""
        with answered():
            memories, total = await self._memory.page(user.id, namespace, limit, offset)
        return Page(list(memories), total, limit, offset)

    async def recall(self, user: User, namespace: str, query: str, limit: int) -> Page[Memory]:
        """The memories an agent would be reminded of, best first, with their scores."""
        with answered():
            found = await self._memory.recall(user.id, namespace, query, limit)
        return Page(found, len(found), limit, 0)

    async def edit(self, user: User, namespace: str, memory_id: str, text: str) -> Memory:
        """Change what a memory says. Raises NotFound ``MEMORY_NOT_FOUND``, Invalid ``INVALID_MEMORY``."""
        if not text.strip() or len(text) > MAX_CHARS:
            raise Invalid("INVALID_MEMORY", f"a memory has 1 to {MAX_CHARS:,} characters", "delete what is not needed")
        with answered():
            return await self._memory.edit(user.id, namespace, memory_id, text)

    async def forget(self, user: User, namespace: str, memory_id: str | None = None) -> None:
        """Delete one memory, or with None all of the namespace. Raises NotFound ``MEMORY_NOT_FOUND``."""
        with answered():
            await self._memory.forget(user.id, namespace, memory_id)

    async def export(self, user: User, namespace: str) -> dict[str, Any]:
        """All memories of a namespace, ``{namespace, exported_at, memories}``, the oldest first."""
        memories: list[Memory] = []
        while True:
            page = await self.page(user, namespace, MAX_LIMIT, len(memories))
            memories += page.items
            if not page.items or len(memories) >= page.total:
                break
        shown = [memory_json(memory) for memory in reversed(memories)]
        return {"namespace": namespace, "exported_at": iso(utc_now()), "memories": shown}


def memory_json(memory: Memory) -> dict[str, Any]:
    """A memory as REST shows it; ``score`` is there when it was asked for by similarity."""
    shown = {
        "id": memory.id,
        "text": memory.text,
        "created_at": iso(memory.created_at),
        "metadata": dict(memory.metadata),
    }
    return shown if memory.score is None else {**shown, "score": memory.score}
