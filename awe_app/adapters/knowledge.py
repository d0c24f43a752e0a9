"""Collections in Chroma: vectors by the collection's embedder, words by ``keywords.py``. See decisions 0014 and 0023.

**Hybrid** search asks both for more than is wanted and adds up, for each chunk, 0.8 of its cosine and 0.2 of its BM25,
each as a share of the best one the query has (cosines counted from -1, BM25 from 0). So scores go up to 1: the best by
meaning and by words. This is TM2C2 of Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval"
(ACM TOIS 2023), with their weight. Adding up ranks instead, as is usual, lets the first chunk that shares one small
word with the query pass for as good as the first by meaning; decision 0024 has the figures.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from awe_app.adapters.chroma import Chroma, Shelf, stored_name, upsert
from awe_app.adapters.embedder import NAME
from awe_app.adapters.embedders import EmbedderDirectory
from awe_app.adapters.keywords import KeywordIndex
from awe_app.adapters.storable import storable, to_json
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId, new_id
from awe_app.domain.knowledge import Chunk, Mode, Passage

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection

KIND = "kb"
MEANING, WORDS = 0.8, 0.2
_LOOKED_AT = 4
"""Times ``top_k``: as many does each of the two searches give to the fusion."""
_AT_LEAST = 50
_PAGE = 2_000
_INDEXES = 16
"""Collections whose words are kept in memory; the ones asked longest ago go first."""


class ChromaKnowledge:
    """Implements ``KnowledgeBase``."""

    def __init__(self, chroma: Chroma, embedders: EmbedderDirectory) -> None:
        self._chroma = chroma
        self._embedders = embedders
        self._lock = threading.Lock()
        self._indexes: OrderedDict[str, tuple[str, KeywordIndex]] = OrderedDict()
        """By stored name: the collection's revision, and its words."""

    async def create(self, user_id: UserId | None, collection: str, embedder: str) -> None:
        """See ``KnowledgeBase.create``."""

        def make(shelf: Shelf) -> None:
            made_by = _embedder_of(_made(shelf, user_id, collection, embedder))
            if made_by != embedder:
                detail = f"the vectors of '{collection}' were made by {made_by}; those of {embedder} cannot be added"
                raise NodeFailed("EMBEDDER_CHANGED", detail, "delete the collection and add its documents again")

        await self._chroma.call(make)

    async def add(self, user_id: UserId | None, collection: str, chunks: Sequence[Chunk]) -> int:
        """See ``KnowledgeBase.add``."""
        unique = {_id_of(chunk): chunk for chunk in chunks if chunk.text.strip()}
        made_by = await self._chroma.call(lambda shelf: _embedder_of(_made(shelf, user_id, collection, NAME)))
        embedder = await self._embedders.find(user_id, made_by)
        vectors = await embedder.embed([_searched(chunk) for chunk in unique.values()])

        def write(shelf: Shelf) -> int:
            made = self._found(shelf, user_id, collection)
            if unique:
                with _same_vectors(collection, made_by):
                    texts = [storable(chunk.text) for chunk in unique.values()]
                    upsert(made, list(unique), texts, vectors, [_said(chunk) for chunk in unique.values()])
                self._changed(made, put=unique)
            return made.count()

        return await self._chroma.call(write)

    async def remove(self, user_id: UserId | None, collection: str, document_id: str) -> None:
        """See ``KnowledgeBase.remove``."""

        def delete(shelf: Shelf) -> None:
            found = shelf.find(stored_name(KIND, user_id, collection))
            ids = found.get(where={"document_id": document_id}, include=[])["ids"] if found is not None else []
            if found is not None and ids:
                for start in range(0, len(ids), _PAGE):
                    found.delete(ids=ids[start : start + _PAGE])
                self._changed(found, gone=ids)

        await self._chroma.call(delete)

    async def chunks(
        self, user_id: UserId | None, collection: str, document_id: str, limit: int, offset: int
    ) -> tuple[Sequence[Chunk], int]:
        """See ``KnowledgeBase.chunks``."""

        def read(shelf: Shelf) -> tuple[Sequence[Chunk], int]:
            found = self._found(shelf, user_id, collection)
            heads = found.get(where={"document_id": document_id}, include=["metadatas"])
            places = {i: int(str(said["position"])) for i, said in _rows(heads, "metadatas")}
            wanted = sorted(places, key=lambda i: places[i])[offset : offset + limit]
            if not wanted:
                return [], len(places)
            rows = found.get(ids=wanted, include=["documents", "metadatas"])
            chunks = {i: _chunk(i, text, said) for i, text, said in _rows(rows, "documents", "metadatas")}
            return [chunks[i] for i in wanted if i in chunks], len(places)

        return await self._chroma.call(read)

    async def query(
        self, user_id: UserId | None, collection: str, query: str, top_k: int, mode: Mode = "hybrid"
    ) -> list[Passage]:
        """See ``KnowledgeBase.query``."""
        made_by = await self._chroma.call(lambda shelf: _embedder_of(self._found(shelf, user_id, collection)))
        if not query.strip():
            return []
        vectors: Any = None
        if mode != "keyword":
            vectors = await (await self._embedders.find(user_id, made_by)).embed([query], first=True)

        def search(shelf: Shelf) -> list[Passage]:
            found = self._found(shelf, user_id, collection)
            most = top_k if mode != "hybrid" else max(_LOOKED_AT * top_k, _AT_LEAST)
            near: dict[str, float] = {}
            if vectors is not None:
                with _same_vectors(collection, made_by):
                    nearest = found.query(vectors, n_results=most, include=["distances"])
                ids, distances = nearest["ids"][0], (nearest["distances"] or [[]])[0]
                near = {i: round(1 - float(d), 6) for i, d in zip(ids, distances, strict=True)}
            worded = dict(self._words(found).search(query, most)) if mode != "vector" else {}
            if mode == "hybrid" and vectors is not None:
                near |= _cosines(found, vectors[0], [i for i in worded if i not in near])
            best = fused(near, worded) if mode == "hybrid" else near or worded
            return _passages(found, dict(list(best.items())[:top_k]), near, worded)

        return await self._chroma.call(search)

    async def collections(self, user_id: UserId | None) -> list[str]:
        """See ``KnowledgeBase.collections``."""
        return await self._chroma.call(lambda shelf: _names(shelf, user_id))

    async def delete(self, user_id: UserId | None, collection: str) -> None:
        """See ``KnowledgeBase.delete``."""

        def delete(shelf: Shelf) -> None:
            name = self._found(shelf, user_id, collection).name
            shelf.delete(name)
            with self._lock:
                self._indexes.pop(name, None)

        await self._chroma.call(delete)

    def _found(self, shelf: Shelf, user_id: UserId | None, name: str) -> "Collection":
        found = shelf.find(stored_name(KIND, user_id, name))
        if found is None:
            known = ", ".join(_names(shelf, user_id)) or "none yet"
            raise NodeFailed("COLLECTION_NOT_FOUND", f"you have no collection '{name}'; there are {known}")
        return found

    def _words(self, collection: "Collection") -> KeywordIndex:
        """The collection's words; read again where another process has changed it."""
        revision = str((collection.metadata or {}).get("revision") or "")
        with self._lock:
            known = self._indexes.get(collection.name)
            if known is None or known[0] != revision:
                known = revision, KeywordIndex(_texts(collection))
                self._indexes[collection.name] = known
            self._indexes.move_to_end(collection.name)
            while len(self._indexes) > _INDEXES:
                self._indexes.popitem(last=False)
            return known[1]

    def _changed(
        self, collection: "Collection", put: Mapping[str, Chunk] | None = None, gone: Sequence[str] = ()
    ) -> None:
        """Keep the words in step. The revision tells other processes on the same server to read them again."""
        before = str((collection.metadata or {}).get("revision") or "")
        revision = before
        if self._chroma.is_shared:
            revision = new_id()
            collection.modify(metadata={**(collection.metadata or {}), "revision": revision})
        with self._lock:
            known = self._indexes.get(collection.name)
            if known is None:
                return
            if known[0] != before:
                del self._indexes[collection.name]
                return
            known[1].remove(gone)
            known[1].put((i, _searched(chunk)) for i, chunk in (put or {}).items())
            self._indexes[collection.name] = revision, known[1]


def fused(near: Mapping[str, float], worded: Mapping[str, float]) -> dict[str, float]:
    """Cosines of all chunks and BM25 of those that hold words of the query, as one score each, best first."""
    most_near, most_worded = max(near.values(), default=0.0), max(worded.values(), default=0.0)
    meaning, words = MEANING / ((most_near + 1) or 1), WORDS / (most_worded or 1)
    sums = {i: round(meaning * (cosine + 1) + words * worded.get(i, 0.0), 6) for i, cosine in near.items()}
    return {i: sums[i] for i in sorted(sums, key=lambda i: -sums[i])}


def _cosines(collection: "Collection", query: Any, ids: Sequence[str]) -> dict[str, float]:
    """How near chunks are that the search by meaning has not given."""
    rows = collection.get(ids=list(ids), include=["embeddings"]) if ids else None
    return {i: round(float(vector @ query), 6) for i, vector in _rows(rows, "embeddings")} if rows else {}


class _same_vectors:
    """Tell Chroma's refusal of vectors with another number of dimensions in our words."""

    def __init__(self, name: str, embedder: str) -> None:
        self._name, self._embedder = name, embedder

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and "dimension" in str(error).lower():
            detail = f"{self._embedder} makes vectors of another size now than those in '{self._name}'"
            hint = "choose the model again that made them, or delete the collection and add its documents again"
            raise NodeFailed("EMBEDDER_CHANGED", detail, hint) from error


def _made(shelf: Shelf, user_id: UserId | None, name: str, embedder: str) -> "Collection":
    said = {"user_id": user_id or "", "name": name, "kind": KIND, "embedder": embedder}
    stored = stored_name(KIND, user_id, name)
    return shelf.find(stored) or shelf.make(stored, said)


def _embedder_of(collection: "Collection") -> str:
    return str((collection.metadata or {}).get("embedder") or NAME)


def _names(shelf: Shelf, user_id: UserId | None) -> list[str]:
    return sorted(str(each["name"]) for each in shelf.metadata_of(user_id, KIND))


def _id_of(chunk: Chunk) -> str:
    if chunk.id is not None:
        return chunk.id
    whole = json.dumps([chunk.text, dict(chunk.metadata)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _searched(chunk: Chunk) -> str:
    """What the chunk is found by."""
    return storable(f"{chunk.context}\n{chunk.text}" if chunk.context else chunk.text)


def _said(chunk: Chunk) -> dict[str, Any]:
    return {
        "json": to_json(chunk.metadata),
        "document_id": chunk.document_id,
        "position": chunk.position,
        "context": storable(chunk.context),
    }


def _chunk(chunk_id: str, text: str, said: Mapping[str, Any]) -> Chunk:
    return Chunk(
        text=text,
        metadata=json.loads(str(said["json"])),
        id=chunk_id,
        document_id=str(said.get("document_id") or ""),
        position=int(str(said.get("position") or 0)),
        context=str(said.get("context") or ""),
    )


def _rows(found: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(found["ids"], *(found[name] for name in names), strict=True)


def _texts(collection: "Collection") -> Iterator[tuple[str, str]]:
    """Ids and texts of all chunks."""
    for start in range(0, collection.count(), _PAGE):
        page = collection.get(limit=_PAGE, offset=start, include=["documents", "metadatas"])
        for i, text, said in _rows(page, "documents", "metadatas"):
            yield i, _searched(_chunk(i, text, said))


def _passages(
    collection: "Collection", best: Mapping[str, float], near: Mapping[str, float], worded: Mapping[str, float]
) -> list[Passage]:
    if not best:
        return []
    rows = collection.get(ids=list(best), include=["documents", "metadatas"])
    chunks = {i: _chunk(i, text, said) for i, text, said in _rows(rows, "documents", "metadatas")}
    return [
        Passage(
            text=chunks[i].text,
            score=round(score, 6),
            metadata=chunks[i].metadata,
            scores={name: round(found[i], 6) for name, found in (("vector", near), ("keyword", worded)) if i in found},
        )
        for i, score in best.items()
        if i in chunks
    ]
