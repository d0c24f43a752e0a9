"""Collections of texts that are found by meaning and by words; ``adapters/knowledge.py`` keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from awe_app.domain.ids import UserId, iso

Mode = Literal["hybrid", "vector", "keyword"]
"""Find by meaning and words together, by meaning alone, or by words alone."""

MIN_CHUNK_CHARS, MAX_CHUNK_CHARS = 100, 8_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of text to be found again. The local embedder looks at its first 256 tokens, some 1,000 characters."""

    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """JSON that comes back with it, such as its source."""
    id: str | None = None
    """Adding another with the same id replaces it; None: the same text and metadata are kept once."""
    document_id: str = ""
    """What it is a piece of; empty: of nothing."""
    position: int = 0
    """Its place in the document, from 0."""
    context: str = ""
    """Headings above it: found by them too, but they are no part of the text."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that was found."""

    text: str
    score: float
    """By ``vector`` the cosine (1: the same meaning, about 0: none in common); by ``keyword`` BM25 (above 0, no upper
    end); by ``hybrid`` 0 to 1, and 1 is the best by meaning and by words."""
    metadata: Mapping[str, Any]
    scores: Mapping[str, float] = field(default_factory=dict)
    """How it did by meaning (``vector``) and by words (``keyword``), where that was looked at."""

    def as_json(self) -> dict[str, Any]:
        """The passage as the retrieve node gives it: ``scores`` stand among its metadata."""
        return {
            "text": self.text,
            "score": self.score,
            "metadata": {**self.metadata, **({"scores": dict(self.scores)} if self.scores else {})},
        }


@dataclass(frozen=True, slots=True)
class Collection:
    """A user's collection of documents, as it was set up."""

    id: str
    user_id: UserId
    name: str
    description: str
    embedder: str
    """``<provider>/<model>``, or the local one's name."""
    chunk_chars: int
    overlap_chars: int
    by_headings: bool
    created_at: datetime
    updated_at: datetime
    documents: int = 0
    ready: int = 0
    failed: int = 0
    chunks: int = 0

    def as_json(self) -> dict[str, Any]:
        """The collection as REST shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "embedder": self.embedder,
            "chunk_chars": self.chunk_chars,
            "overlap_chars": self.overlap_chars,
            "by_headings": self.by_headings,
            "documents": {"total": self.documents, "ready": self.ready, "failed": self.failed},
            "chunks": self.chunks,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }


DocumentStatus = Literal["queued", "indexing", "ready", "failed"]
SourceKind = Literal["file", "url", "text"]


@dataclass(frozen=True, slots=True)
class Document:
    """A file, a page or a text in a collection, and how far its indexing is."""

    id: str
    collection_id: str
    name: str
    kind: SourceKind
    source: str
    """The file's name or the page's address; empty for a text."""
    media_type: str
    size_bytes: int
    status: DocumentStatus
    created_at: datetime
    updated_at: datetime
    chunks: int = 0
    """How many it has been cut into; 0 before."""
    chunks_done: int = 0
    error: Mapping[str, str] | None = None
    """``{code, detail}`` once it failed."""

    def as_json(self) -> dict[str, Any]:
        """The document as REST shows it; ``progress`` goes from 0 to 1."""
        done = 1.0 if self.status == "ready" else self.chunks_done / self.chunks if self.chunks else 0.0
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind,
            "source": self.source,
            "media_type": self.media_type,
            "size_bytes": self.size_bytes,
            "status": self.status,
            "progress": round(done, 3),
            "chunks": self.chunks,
            "error": dict(self.error) if self.error else None,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.updated_at),
        }


class KnowledgeBase(Protocol):
    """Every user's collections. A collection is one user's; the same name is another one for somebody else."""

    async def create(self, user_id: UserId | None, collection: str, embedder: str) -> None:
        """Make an empty collection whose vectors that embedder makes; harmless when there is one of that kind.

        Raises:
            NodeFailed: ``EMBEDDER_CHANGED``, there is one of another embedder.
        """
        ...

    async def add(self, user_id: UserId | None, collection: str, chunks: Sequence[Chunk]) -> int:
        """Store chunks, and the collection (of the local embedder) if it is new; gives how many chunks it then holds.

        Raises:
            NodeFailed: ``EMBEDDER_UNAVAILABLE``, ``EMBEDDER_CHANGED``, or what a provider's refusal means.
        """
        ...

    async def remove(self, user_id: UserId | None, collection: str, document_id: str) -> None:
        """Delete the chunks of a document; harmless when there are none."""
        ...

    async def chunks(
        self, user_id: UserId | None, collection: str, document_id: str, limit: int, offset: int
    ) -> tuple[Sequence[Chunk], int]:
        """A page of a document's chunks in their order, and how many there are."""
        ...

    async def query(
        self, user_id: UserId | None, collection: str, query: str, top_k: int, mode: Mode = "hybrid"
    ) -> list[Passage]:
        """The passages that fit best, best first.

        Raises:
            NodeFailed: ``COLLECTION_NOT_FOUND``, ``EMBEDDER_UNAVAILABLE``, or what a provider's refusal means.
        """
        ...

    async def collections(self, user_id: UserId | None) -> list[str]:
        """Names of the user's collections, in alphabetical order."""
        ...

    async def delete(self, user_id: UserId | None, collection: str) -> None:
        """Delete a collection with all it holds. Raises NodeFailed ``COLLECTION_NOT_FOUND``."""
        ...
