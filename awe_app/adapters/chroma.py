"""Chroma, where vectors are kept: a folder of this process, or a server that several processes share (``CHROMA_URL``).

Chroma is imported at the first use (1 to 7 s, 80 MB), on a thread, and everything it does happens there. The folder has
one writer, so one thread; a server takes several at once.
"""

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from awe_app.domain.errors import Unavailable

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

GivenT = TypeVar("GivenT")

_SERVER_THREADS = 4
_BATCH = 8
"""Rows in one call. Chroma holds the interpreter while it stores them: 5 ms, and 1 to 2 for each."""


class Chroma:
    """One store for all that is found by meaning. Nothing is opened before the first ``call``."""

    def __init__(self, data_dir: Path, url: str | None = None) -> None:
        self._folder = data_dir / "knowledge"
        self._url = url
        self._threads: ThreadPoolExecutor | None = None
        self._client: ClientAPI | None = None

    @property
    def is_shared(self) -> bool:
        """True when other processes may change what is in it."""
        return self._url is not None

    async def call(self, work: Callable[["Shelf"], GivenT]) -> GivenT:
        """Do ``work`` on the store's thread.

        Raises:
            Unavailable: ``VECTORS_UNAVAILABLE``, the store does not answer.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_SERVER_THREADS if self._url else 1, "chroma")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)

    async def stop(self) -> None:
        """Let what is under way end, and close the store."""
        threads, self._threads = self._threads, None
        if threads is not None:
            await asyncio.to_thread(threads.shutdown)
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(_close, client)

    def _work(self, work: Callable[["Shelf"], GivenT]) -> GivenT:
        import chromadb.errors

        try:
            if self._client is None:
                self._client = self._open()
            return work(Shelf(self._client))
        except (chromadb.errors.ChromaError, OSError, ValueError) as error:
            if isinstance(error, ValueError) and not self._url:
                raise
            where = f"the Chroma server at {self._url}" if self._url else "the store of vectors"
            detail = f"{where} failed: {' '.join(str(error).split())[:300]}"
            raise Unavailable("VECTORS_UNAVAILABLE", detail, "see whether CHROMA_URL is right") from error

    def _open(self) -> "ClientAPI":
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        if self._url:
            parts = urlsplit(self._url)
            secure = parts.scheme == "https"
            port = parts.port or (443 if secure else 8000)
            return chromadb.HttpClient(host=parts.hostname or "", port=port, ssl=secure, settings=settings)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Chroma holds the interpreter while it commits: 33 ms by SQLite's rollback journal, 5 by its write-ahead log,
        # which is as durable. The file remembers it. While somebody else has it open it stays as it is.
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._folder / "chroma.sqlite3")) as database:
            database.execute("PRAGMA journal_mode = WAL")
        return chromadb.PersistentClient(path=str(self._folder), settings=settings)


def _close(client: "ClientAPI") -> None:
    client.close()  # type: ignore[attr-defined]
    # Chroma 1.5 leaves the connections to a server open: its own and those of the client it asks for tenants by.
    for each in (client, getattr(client, "_admin_client", None)):
        session = getattr(getattr(each, "_server", None), "_session", None)
        if session is not None:
            session.close()


class Shelf:
    """What there is to do with the store, on its thread. Collections are named by ``stored_name``."""

    def __init__(self, client: "ClientAPI") -> None:
        self._client = client

    def find(self, name: str) -> "Collection | None":
        """The collection, if there is one."""
        from chromadb.errors import NotFoundError

        try:
            return self._client.get_collection(name, embedding_function=None)
        except NotFoundError:
            return None

    def make(self, name: str, said: Mapping[str, Any]) -> "Collection":
        """The collection, made with ``said`` as its metadata if there is none."""
        return self._client.get_or_create_collection(
            name, metadata=dict(said), embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def delete(self, name: str) -> None:
        """Delete the collection, if there is one."""
        from chromadb.errors import NotFoundError

        try:
            self._client.delete_collection(name)
        except NotFoundError:
            return

    def metadata_of(self, user_id: str | None, kind: str) -> list[Mapping[str, Any]]:
        """What is said of each of a user's collections of one kind."""
        said = [each.metadata or {} for each in self._client.list_collections()]
        return [each for each in said if each.get("user_id") == (user_id or "") and each.get("kind", "kb") == kind]


def stored_name(kind: str, user_id: str | None, name: str) -> str:
    """What Chroma calls a collection: it allows few characters, and everybody's are side by side."""
    return f"{kind}-" + hashlib.sha256(json.dumps([user_id or "", name]).encode()).hexdigest()[:48]


def upsert(
    collection: "Collection",
    ids: Sequence[str],
    texts: Sequence[str],
    vectors: Any,
    metadatas: Sequence[Mapping[str, Any]],
) -> None:
    """Store rows, in place of those that have the same ids."""
    for start in range(0, len(ids), _BATCH):
        end = start + _BATCH
        collection.upsert(
            ids=list(ids[start:end]),
            documents=list(texts[start:end]),
            embeddings=vectors[start:end],
            metadatas=[dict(each) for each in metadatas[start:end]],
        )
