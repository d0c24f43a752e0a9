"""A user's collections and documents: set up, fill, search, delete. ``indexing.py`` does the work that takes long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from awe_app.adapters.embedder import NAME as LOCAL_EMBEDDER
from awe_app.adapters.embedder_remote import SPEAKS
from awe_app.adapters.embedders import EmbedderDirectory
from awe_app.adapters.knowledge_store import KnowledgeStore, NewDocument
from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, Invalid, NodeFailed, NotFound, TooLarge
from awe_app.domain.ids import new_id, utc_now
from awe_app.domain.knowledge import (
    MAX_CHUNK_CHARS,
    MIN_CHUNK_CHARS,
    Chunk,
    Collection,
    Document,
    KnowledgeBase,
    Mode,
    Passage,
)
from awe_app.domain.pages import Page, PageQuery
from awe_app.services.failures import answered
from awe_app.services.indexing import Indexer

MAX_NAME = 200
MAX_FILE_BYTES = 50 * 1024 * 1024
MAX_FILES_BYTES = 64 * 1024 * 1024
"""Of all files in one upload together."""
EMBEDDING_KINDS = frozenset(SPEAKS)
"""Kinds of providers whose models may embed a collection."""
MAX_DOCUMENTS = 20_000
"""In one collection."""


@dataclass(frozen=True, slots=True)
class CollectionSettings:
    """How a new collection shall be."""

    name: str
    description: str = ""
    embedder: str | None = None
    """``<provider>/<model>``; None is the one on this machine."""
    chunk_chars: int = 1_000
    overlap_chars: int = 150
    by_headings: bool = True


class Knowledge:
    """The use cases of collections. Everything is the user's own; there is no sharing."""

    def __init__(
        self, store: KnowledgeStore, knowledge: KnowledgeBase, embedders: EmbedderDirectory, indexer: Indexer
    ) -> None:
        self._store = store
        self._knowledge = knowledge
        self._embedders = embedders
        self._indexer = indexer

    async def list(self, user: User, query: PageQuery) -> Page[Collection]:
        """The user's collections, by name."""
        return await self._store.list(user.id, query)

    async def create(self, user: User, settings: CollectionSettings) -> Collection:
        """Set up an empty collection.

        Raises:
            Invalid: ``INVALID_COLLECTION``, or no such embedder.
            Conflict: ``COLLECTION_EXISTS``.
        """
        name = settings.name.strip()
        if not 1 <= len(name) <= MAX_NAME:
            raise Invalid("INVALID_COLLECTION", f"the name has 1 to {MAX_NAME} characters")
        if not MIN_CHUNK_CHARS <= settings.chunk_chars <= MAX_CHUNK_CHARS:
            raise Invalid("INVALID_COLLECTION", f"chunk_chars is {MIN_CHUNK_CHARS} to {MAX_CHUNK_CHARS}")
        if not 0 <= settings.overlap_chars <= settings.chunk_chars // 2:
            raise Invalid("INVALID_COLLECTION", "overlap_chars is at least 0 and at most half of chunk_chars")
        embedder = settings.embedder or LOCAL_EMBEDDER
        with answered():
            await self._embedders.find(user.id, embedder)
        now = utc_now()
        collection = Collection(
            id=new_id(),
            user_id=user.id,
            name=name,
            description=settings.description.strip(),
            embedder=embedder,
            chunk_chars=settings.chunk_chars,
            overlap_chars=settings.overlap_chars,
            by_headings=settings.by_headings,
            created_at=now,
            updated_at=now,
        )
        made = await self._store.create(collection)
        try:
            with answered():
                await self._make_vectors(user, name, embedder)
        except BaseException:  # also when it is cancelled: a collection without vectors is none
            await self._store.delete(made.id)
            raise
        return made

    async def _make_vectors(self, user: User, name: str, embedder: str) -> None:
        try:
            await self._knowledge.create(user.id, name, embedder)
        except NodeFailed as failure:
            if failure.code != "EMBEDDER_CHANGED":
                raise
            await self._knowledge.delete(user.id, name)  # of a collection that was deleted while it was filled
            await self._knowledge.create(user.id, name, embedder)

    async def get(self, user: User, collection_id: str) -> Collection:
        """One collection. Raises NotFound ``COLLECTION_NOT_FOUND``."""
        found = await self._store.get(user.id, collection_id)
        if found is None:
            raise NotFound("COLLECTION_NOT_FOUND", "there is no such collection")
        return found

    async def delete(self, user: User, collection_id: str) -> None:
        """Delete a collection with all it holds."""
        collection = await self.get(user, collection_id)
        await self._store.delete(collection.id)
        try:
            await self._knowledge.delete(user.id, collection.name)
        except NodeFailed as failure:
            if failure.code != "COLLECTION_NOT_FOUND":
                raise

    async def documents(
        self, user: User, collection_id: str, query: PageQuery, status: str | None = None
    ) -> Page[Document]:
        """The documents of a collection, the newest first."""
        await self.get(user, collection_id)
        return await self._store.documents(collection_id, query, status)

    async def document(self, user: User, collection_id: str, document_id: str) -> Document:
        """One document. Raises NotFound ``DOCUMENT_NOT_FOUND``."""
        await self.get(user, collection_id)
        found = await self._store.document(collection_id, document_id)
        if found is None:
            raise NotFound("DOCUMENT_NOT_FOUND", "there is no such document in this collection")
        return found

    async def add_files(
        self, user: User, collection_id: str, files: Sequence[tuple[str, bytes, str]]
    ) -> Sequence[Document]:
        """Queue files: their names, contents and media types."""
        for name, data, _media_type in files:
            if len(data) > MAX_FILE_BYTES:
                raise TooLarge("FILE_TOO_LARGE", f"'{name}' is larger than {MAX_FILE_BYTES // 1024**2} MB")
            if not data:
                raise Invalid("EMPTY_FILE", f"'{name}' is empty")
        new = [
            NewDocument(name[:MAX_NAME] or "file", "file", name, media_type, data) for name, data, media_type in files
        ]
        return await self._add(user, collection_id, new)

    async def add_text(self, user: User, collection_id: str, name: str, text: str) -> Document:
        """Queue a text; markdown headings are understood."""
        if not text.strip():
            raise Invalid("EMPTY_TEXT", "there is no text to add")
        name = name.strip()[:MAX_NAME] or " ".join(text.split())[:60]
        data = text.encode("utf-8", "replace")
        return (await self._add(user, collection_id, [NewDocument(name, "text", "", "text/markdown", data)]))[0]

    async def add_url(self, user: User, collection_id: str, url: str) -> Document:
        """Queue a page; it is fetched when its turn comes."""
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise Invalid("INVALID_URL", "the address must begin with http:// or https:// and hold no password")
        url = url.strip()
        return (await self._add(user, collection_id, [NewDocument(url[:MAX_NAME], "url", url, "", None)]))[0]

    async def delete_document(self, user: User, collection_id: str, document_id: str) -> None:
        """Delete a document with its chunks."""
        collection = await self.get(user, collection_id)
        await self.document(user, collection_id, document_id)
        await self._store.remove(collection_id, document_id)
        await self._knowledge.remove(user.id, collection.name, document_id)

    async def index_again(self, user: User, collection_id: str, document_id: str) -> Document:
        """Queue a document once more; a page is fetched anew. Raises Conflict ``DOCUMENT_BUSY``."""
        document = await self.document(user, collection_id, document_id)
        if document.status in ("queued", "indexing"):
            raise Conflict("DOCUMENT_BUSY", f"the document is {document.status}", "wait until it is ready")
        await self._store.queue(document_id)
        self._indexer.wake()
        return await self.document(user, collection_id, document_id)

    async def chunks(self, user: User, collection_id: str, document_id: str, limit: int, offset: int) -> Page[Chunk]:
        """The chunks of a document in their order."""
        collection = await self.get(user, collection_id)
        await self.document(user, collection_id, document_id)
        with answered():
            chunks, total = await self._knowledge.chunks(user.id, collection.name, document_id, limit, offset)
        return Page(list(chunks), total, limit, offset)

    async def search(self, user: User, collection_id: str, query: str, top_k: int, mode: Mode) -> Sequence[Passage]:
        """The passages that fit the query best, best first."""
        collection = await self.get(user, collection_id)
        with answered():
            return await self._knowledge.query(user.id, collection.name, query, top_k, mode)

    async def _add(self, user: User, collection_id: str, new: Sequence[NewDocument]) -> Sequence[Document]:
        collection = await self.get(user, collection_id)
        if collection.documents + len(new) > MAX_DOCUMENTS:
            hint = "make another collection"
            raise Conflict("COLLECTION_FULL", f"a collection holds {MAX_DOCUMENTS:,} documents at most", hint)
        added = await self._store.add(collection_id, new)
        self._indexer.wake()
        return added


def chunk_json(chunk: Chunk) -> dict[str, Any]:
    """A chunk as REST shows it."""
    return {"id": chunk.id, "position": chunk.position, "text": chunk.text, "metadata": dict(chunk.metadata)}
