"""Long-term memory in Chroma: one collection for each user and namespace.

**Recall** weighs what a memory is about and how fresh it is, after Park et al., "Generative Agents: Interactive
Simulacra of Human Behavior" (UIST 2023, §4.1)::

    score = 0.8 · similarity + 0.2 · 0.995 ^ (hours since it was kept)

similarity is the cosine, not below 0; 0.995 an hour is the paper's decay (half after 5.8 days). The paper adds up three
parts of equal weight, each stretched over what was found, and asks a model how important a memory is; here no model is
asked, and meaning counts for more, so that a score means the same whatever else is remembered.

A namespace is embedded by what its owner had chosen when it began, and by that for ever: vectors of two embedders
cannot be compared.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from awe_app.adapters.chroma import Chroma, Shelf, stored_name
from awe_app.adapters.embedder_cache import Embedder
from awe_app.adapters.embedders import EmbedderDirectory
from awe_app.adapters.storable import storable, to_json
from awe_app.domain.errors import NodeFailed, NotFound
from awe_app.domain.ids import UserId, utc_now
from awe_app.domain.memory import Memory

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

KIND = "mem"
MEANING, FRESHNESS = 0.8, 0.2
DECAY_PER_HOUR = 0.995
_LOOKED_AT = 4
"""Times ``top_k``: as many of the nearest are weighed again with their freshness."""
_AT_LEAST = 20


class ChromaMemory:
    """Implements ``LongTermMemory``."""

    def __init__(self, chroma: Chroma, embedders: EmbedderDirectory) -> None:
        self._chroma = chroma
        self._embedders = embedders

    async def remember(
        self, user_id: UserId | None, namespace: str, text: str, metadata: Mapping[str, Any], key: str
    ) -> Memory:
        """See ``LongTermMemory.remember``."""
        memory_id = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        known = await self._one(user_id, namespace, memory_id)
        if known is not None:
            return known
        text = storable(text)
        embedder = await self._embedder(user_id, namespace)
        vectors = await embedder.embed([text])
        made = Memory(memory_id, text, utc_now(), metadata)
        await self._chroma.call(lambda shelf: _put(_made(shelf, user_id, namespace, embedder.name), made, vectors))
        return made

    async def recall(self, user_id: UserId | None, namespace: str, query: str, top_k: int) -> list[Memory]:
        """See ``LongTermMemory.recall``."""
        if top_k < 1 or not query.strip():
            return []
        name = await self._embedder_name(user_id, namespace)
        if name is None:
            return []  # nothing is embedded, and no embedder started, for who never kept anything
        vectors = await (await self._embedders.find(user_id, name)).embed([query], first=True)
        wanted = max(_LOOKED_AT * top_k, _AT_LEAST)

        def nearest(shelf: Shelf) -> list[Memory]:
            collection = _found(shelf, user_id, namespace)
            if collection is None:
                return []
            found = collection.query(vectors, n_results=wanted, include=["documents", "metadatas", "distances"])
            rows = zip(*((found[name] or [[]])[0] for name in ("ids", "documents", "metadatas", "distances")))  # noqa: B905
            now = utc_now()
            return [_scored(_memory(i, text, said), 1 - float(distance), now) for i, text, said, distance in rows]

        found = await self._chroma.call(nearest)
        return sorted(found, key=lambda memory: -(memory.score or 0))[:top_k]

    async def page(
        self, user_id: UserId | None, namespace: str, limit: int, offset: int
    ) -> tuple[Sequence[Memory], int]:
        """See ``LongTermMemory.page``."""

        def read(shelf: Shelf) -> tuple[Sequence[Memory], int]:
            collection = _found(shelf, user_id, namespace)
            if collection is None:
                return [], 0
            heads = collection.get(include=["metadatas"])
            when = {i: str(said["created_at"]) for i, said in zip(heads["ids"], heads["metadatas"] or (), strict=True)}
            newest = sorted(when, key=lambda i: (when[i], i), reverse=True)[offset : offset + limit]
            memories = {memory.id: memory for memory in _read(collection, newest)} if newest else {}
            return [memories[i] for i in newest if i in memories], len(when)

        return await self._chroma.call(read)

    async def namespaces(self, user_id: UserId | None) -> list[str]:
        """See ``LongTermMemory.namespaces``."""
        said = await self._chroma.call(lambda shelf: shelf.metadata_of(user_id, KIND))
        return sorted(str(each["name"]) for each in said)

    async def edit(self, user_id: UserId | None, namespace: str, memory_id: str, text: str) -> Memory:
        """See ``LongTermMemory.edit``."""
        old = await self._one(user_id, namespace, memory_id)
        if old is None:
            raise _not_found(namespace, memory_id)
        text = storable(text)
        vectors = await (await self._embedder(user_id, namespace)).embed([text])
        changed = Memory(old.id, text, old.created_at, old.metadata)

        def write(shelf: Shelf) -> None:
            collection = _found(shelf, user_id, namespace)
            if collection is None or not collection.get(ids=[memory_id], include=[])["ids"]:
                raise _not_found(namespace, memory_id)
            _put(collection, changed, vectors)

        await self._chroma.call(write)
        return changed

    async def forget(self, user_id: UserId | None, namespace: str, memory_id: str | None = None) -> None:
        """See ``LongTermMemory.forget``. A namespace without memories is no namespace."""

        def delete(shelf: Shelf) -> None:
            collection = _found(shelf, user_id, namespace)
            if collection is None or (memory_id is not None and not collection.get(ids=[memory_id], include=[])["ids"]):
                raise _not_found(namespace, memory_id)
            if memory_id is not None:
                collection.delete(ids=[memory_id])
            if memory_id is None or not collection.count():
                shelf.delete(stored_name(KIND, user_id, namespace))

        await self._chroma.call(delete)

    async def _one(self, user_id: UserId | None, namespace: str, memory_id: str) -> Memory | None:
        def read(shelf: Shelf) -> Memory | None:
            collection = _found(shelf, user_id, namespace)
            return next(iter(_read(collection, [memory_id])), None) if collection is not None else None

        return await self._chroma.call(read)

    async def _embedder(self, user_id: UserId | None, namespace: str) -> Embedder:
        """The namespace's own; for a new one, what the user has chosen."""
        name = await self._embedder_name(user_id, namespace)
        return await self._embedders.find(user_id, name or await self._embedders.chosen(user_id))

    async def _embedder_name(self, user_id: UserId | None, namespace: str) -> str | None:
        def read(shelf: Shelf) -> str | None:
            collection = _found(shelf, user_id, namespace)
            return str((collection.metadata or {})["embedder"]) if collection is not None else None

        return await self._chroma.call(read)


def _made(shelf: Shelf, user_id: UserId | None, namespace: str, embedder: str) -> "Collection":
    said = {"user_id": user_id or "", "name": namespace, "kind": KIND, "embedder": embedder}
    made = shelf.make(stored_name(KIND, user_id, namespace), said)
    made_by = (made.metadata or {}).get("embedder")
    if made_by != embedder:  # another process made it in between, after another choice
        detail = f"the memories of '{namespace}' are embedded by {made_by}, not by {embedder}"
        raise NodeFailed("EMBEDDER_CHANGED", detail, "try again", retryable=True)
    return made


def _found(shelf: Shelf, user_id: UserId | None, namespace: str) -> "Collection | None":
    return shelf.find(stored_name(KIND, user_id, namespace))


def _put(collection: "Collection", memory: Memory, vectors: Any) -> None:
    said = {
        "created_at": memory.created_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "json": to_json(memory.metadata),
    }
    collection.upsert(ids=[memory.id], documents=[memory.text], embeddings=vectors, metadatas=[said])


def _read(collection: "Collection", ids: Sequence[str]) -> list[Memory]:
    found = collection.get(ids=list(ids), include=["documents", "metadatas"])
    rows = zip(found["ids"], found["documents"] or (), found["metadatas"] or (), strict=True)
    return [_memory(i, text, said) for i, text, said in rows]


def _memory(memory_id: str, text: str, said: Mapping[str, Any]) -> Memory:
    return Memory(memory_id, text, datetime.fromisoformat(str(said["created_at"])), json.loads(str(said["json"])))


def _scored(memory: Memory, similarity: float, now: datetime) -> Memory:
    hours = max(0.0, (now - memory.created_at).total_seconds() / 3600)
    score = MEANING * min(1.0, max(0.0, similarity)) + FRESHNESS * DECAY_PER_HOUR**hours
    return Memory(memory.id, memory.text, memory.created_at, memory.metadata, round(score, 6))


def _not_found(namespace: str, memory_id: str | None) -> NotFound:
    what = f"no memory '{memory_id}'" if memory_id is not None else "nothing"
    return NotFound("MEMORY_NOT_FOUND", f"there is {what} in your namespace '{namespace}'")
