"""Collections of texts that are found by meaning; ``adapters/knowledge.py`` keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from awe_app.domain.ids import UserId


@dataclass(frozen=True, slots=True)
class Document:
    """A text to be found again. Long ones are best cut into passages before: 256 tokens decide what it is about."""

    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """JSON that comes back with it, such as its source."""
    id: str | None = None
    """Adding another with the same id replaces it; None: the same text and metadata are kept once."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that was found."""

    text: str
    score: float
    """Cosine similarity: 1 is the same meaning, about 0 none in common."""
    metadata: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The passage as the retrieve node gives it."""
        return {"text": self.text, "score": self.score, "metadata": dict(self.metadata)}


class KnowledgeBase(Protocol):
    """Every user's collections. A collection is one user's; the same name is another one for somebody else."""

    async def add(self, user_id: UserId | None, collection: str, documents: Sequence[Document]) -> int:
        """Store documents, and the collection if it is new; gives how many documents it holds then."""
        ...

    async def query(self, user_id: UserId | None, collection: str, query: str, top_k: int) -> list[Passage]:
        """The passages nearest in meaning, best first.

        Raises:
            NodeFailed: ``COLLECTION_NOT_FOUND``, ``EMBEDDER_UNAVAILABLE``.
        """
        ...

    async def collections(self, user_id: UserId | None) -> list[str]:
        """Names of the user's collections, in alphabetical order."""
        ...

    async def delete(self, user_id: UserId | None, collection: str) -> None:
        """Delete a collection with all it holds. Raises NodeFailed ``COLLECTION_NOT_FOUND``."""
        ...
