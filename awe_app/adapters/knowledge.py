"""Collections in Chroma; vectors by an ``Embedder``. See decisions 0014 and 0023."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from awe_app.adapters.chroma import Chroma, Shelf, stored_name, upsert
from awe_app.adapters.embedder_cache import Embedder
from awe_app.adapters.storable import storable, to_json
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.knowledge import Document, Passage

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

KIND = "kb"


class ChromaKnowledge:
    """Implements ``KnowledgeBase``."""

    def __init__(self, chroma: Chroma, embedder: Embedder) -> None:
        self._chroma = chroma
        self._embedder = embedder

    async def add(self, user_id: UserId | None, collection: str, documents: Sequence[Document]) -> int:
        """See ``KnowledgeBase.add``."""
        unique = {_id_of(document): document for document in documents if document.text.strip()}
        texts = [storable(document.text) for document in unique.values()]
        vectors = await self._embedder.embed(texts)
        metadatas = [{"json": to_json(document.metadata)} for document in unique.values()]

        def write(shelf: Shelf) -> int:
            said = {"user_id": user_id or "", "name": collection, "kind": KIND, "embedder": self._embedder.name}
            made = self._own(shelf.make(stored_name(KIND, user_id, collection), said), collection)
            upsert(made, list(unique), texts, vectors, metadatas)
            return made.count()

        return await self._chroma.call(write)

    async def query(self, user_id: UserId | None, collection: str, query: str, top_k: int) -> list[Passage]:
        """See ``KnowledgeBase.query``."""
        await self._chroma.call(lambda shelf: self._found(shelf, user_id, collection))
        if not query.strip():
            return []
        vectors = await self._embedder.embed([query], first=True)

        def nearest(shelf: Shelf) -> list[Passage]:
            found = self._found(shelf, user_id, collection).query(
                vectors, n_results=top_k, include=["documents", "metadatas", "distances"]
            )
            rows = zip(*((found[name] or [[]])[0] for name in ("documents", "metadatas", "distances")))  # noqa: B905
            return [_passage(text, metadata, distance) for text, metadata, distance in rows]

        return await self._chroma.call(nearest)

    async def collections(self, user_id: UserId | None) -> list[str]:
        """See ``KnowledgeBase.collections``."""
        return await self._chroma.call(lambda shelf: _names(shelf, user_id))

    async def delete(self, user_id: UserId | None, collection: str) -> None:
        """See ``KnowledgeBase.delete``."""

        def delete(shelf: Shelf) -> None:
            self._found(shelf, user_id, collection)
            shelf.delete(stored_name(KIND, user_id, collection))

        await self._chroma.call(delete)

    def _found(self, shelf: Shelf, user_id: UserId | None, name: str) -> "Collection":
        found = shelf.find(stored_name(KIND, user_id, name))
        if found is None:
            known = ", ".join(_names(shelf, user_id)) or "none yet"
            raise NodeFailed("COLLECTION_NOT_FOUND", f"you have no collection '{name}'; there are {known}")
        return self._own(found, name)

    def _own(self, collection: "Collection", name: str) -> "Collection":
        made_by = (collection.metadata or {}).get("embedder")
        if made_by != self._embedder.name:
            ours = self._embedder.name
            detail = f"the vectors of '{name}' were made by {made_by}, and cannot be compared with those of {ours}"
            raise NodeFailed("EMBEDDER_CHANGED", detail, "delete the collection and add its documents again")
        return collection


def _names(shelf: Shelf, user_id: UserId | None) -> list[str]:
    return sorted(str(each["name"]) for each in shelf.metadata_of(user_id, KIND))


def _id_of(document: Document) -> str:
    if document.id is not None:
        return document.id
    whole = json.dumps([document.text, dict(document.metadata)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _passage(text: str, metadata: Mapping[str, Any], distance: float) -> Passage:
    return Passage(text, round(1 - float(distance), 6), json.loads(str(metadata["json"])))
