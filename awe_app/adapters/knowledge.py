"""Collections in Chroma, in the data folder; vectors by ``embedder.py``. See decision 0014.

Chroma and the embedder are loaded at the first use. Everything happens on one thread: Chroma's local store has one
writer.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from awe_app.adapters.embedder import NAME, MiniLM
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.knowledge import Document, Passage

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

GivenT = TypeVar("GivenT")

_BATCH = 500


class ChromaKnowledge:
    """Implements ``KnowledgeBase``."""

    def __init__(self, data_dir: Path, model: MiniLM | None = None) -> None:
        """``model`` is loaded at the first use when it is not given."""
        self._folder = data_dir / "knowledge"
        self._thread: ThreadPoolExecutor | None = None
        self._client: ClientAPI | None = None
        self._model = model

    async def add(self, user_id: UserId | None, collection: str, documents: Sequence[Document]) -> int:
        """See ``KnowledgeBase.add``."""
        return await self._on_thread(lambda: self._add(user_id, collection, documents))

    async def query(self, user_id: UserId | None, collection: str, query: str, top_k: int) -> list[Passage]:
        """See ``KnowledgeBase.query``."""
        return await self._on_thread(lambda: self._query(user_id, collection, query, top_k))

    async def collections(self, user_id: UserId | None) -> list[str]:
        """See ``KnowledgeBase.collections``."""
        return await self._on_thread(lambda: self._names(user_id))

    async def delete(self, user_id: UserId | None, collection: str) -> None:
        """See ``KnowledgeBase.delete``."""
        await self._on_thread(lambda: self._delete(user_id, collection))

    async def stop(self) -> None:
        """Let what is under way end, and close the store."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)
        client, self._client, self._model = self._client, None, None
        if client is not None:
            await asyncio.to_thread(client.close)  # type: ignore[attr-defined]

    async def _on_thread(self, work: Callable[[], GivenT]) -> GivenT:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "knowledge")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _store(self) -> "ClientAPI":
        if self._client is None:
            import chromadb
            from chromadb.config import Settings

            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            settings = Settings(anonymized_telemetry=False)
            self._client = chromadb.PersistentClient(path=str(self._folder), settings=settings)
        return self._client

    def _embed(self, texts: Sequence[str]) -> Any:
        if self._model is None:
            self._model = MiniLM()
        return self._model.embed(texts)

    def _find(self, user_id: UserId | None, name: str) -> "Collection":
        from chromadb.errors import NotFoundError

        try:
            found = self._store().get_collection(_stored_name(user_id, name), embedding_function=None)
        except NotFoundError:
            known = ", ".join(self._names(user_id)) or "none yet"
            raise NodeFailed("COLLECTION_NOT_FOUND", f"you have no collection '{name}'; there are {known}") from None
        made_by = (found.metadata or {}).get("embedder")
        if made_by != NAME:
            detail = f"the vectors of '{name}' were made by {made_by}, and cannot be compared with those of {NAME}"
            raise NodeFailed("EMBEDDER_CHANGED", detail, "delete the collection and add its documents again")
        return found

    def _names(self, user_id: UserId | None) -> list[str]:
        said = [each.metadata or {} for each in self._store().list_collections()]
        return sorted(str(each["name"]) for each in said if each.get("user_id") == (user_id or ""))

    def _add(self, user_id: UserId | None, name: str, documents: Sequence[Document]) -> int:
        said = {"user_id": user_id or "", "name": name, "embedder": NAME}
        collection = self._store().get_or_create_collection(
            _stored_name(user_id, name),
            metadata=said,
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine"}},
        )
        unique = {_id_of(document): document for document in documents if document.text.strip()}
        ids = list(unique)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            texts = [unique[each].text for each in batch]
            collection.upsert(
                ids=batch,
                documents=texts,
                embeddings=self._embed(texts),
                metadatas=[{"json": json.dumps(dict(unique[each].metadata))} for each in batch],
            )
        return collection.count()

    def _query(self, user_id: UserId | None, name: str, query: str, top_k: int) -> list[Passage]:
        collection = self._find(user_id, name)
        if not query.strip():
            return []
        found = collection.query(
            query_embeddings=self._embed([query]), n_results=top_k, include=["documents", "metadatas", "distances"]
        )
        texts, metadatas, distances = found["documents"], found["metadatas"], found["distances"]
        if not texts or not metadatas or not distances:
            return []
        rows = zip(texts[0], metadatas[0], distances[0], strict=True)
        return [_passage(text, metadata, distance) for text, metadata, distance in rows]

    def _delete(self, user_id: UserId | None, name: str) -> None:
        self._find(user_id, name)
        self._store().delete_collection(_stored_name(user_id, name))


def _stored_name(user_id: UserId | None, name: str) -> str:
    """What Chroma calls the collection: it allows few characters, and everybody's are side by side."""
    return "kb-" + hashlib.sha256(json.dumps([user_id or "", name]).encode()).hexdigest()[:48]


def _id_of(document: Document) -> str:
    if document.id is not None:
        return document.id
    whole = json.dumps([document.text, dict(document.metadata)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _passage(text: str, metadata: Mapping[str, Any], distance: float) -> Passage:
    return Passage(text, round(1 - float(distance), 6), json.loads(str(metadata["json"])))
