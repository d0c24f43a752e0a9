"""Documents of collections: fetched, read, cut, embedded and stored, one after the other, beside everything else.

A document is taken from the database, so that none is lost: what a process left unfinished is taken again, by the same
process when it starts or by another one once the lease has lapsed. Its chunks are stored under ids of their own, so
doing it twice leaves nothing twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from awe_app.adapters.knowledge_store import KnowledgeStore, Work
from awe_app.domain.chunking import cut
from awe_app.domain.documents import DocumentParser, ParsedDocument
from awe_app.domain.errors import AweError, NodeFailed, Unavailable
from awe_app.domain.http import HttpRequest, OutboundHttp
from awe_app.domain.knowledge import Chunk, KnowledgeBase

GivenT = TypeVar("GivenT")

logger = logging.getLogger(__name__)

WORKERS = 2
"""Documents at a time: one is read or stored while the other is embedded."""
BATCH = 32
"""Chunks between two reports of progress."""
LOOK_S = 5.0
"""How often the database is looked at for what another process has accepted or left behind."""
TRIES = 3
"""Of what may pass, such as a provider that is busy."""
MAX_CHUNKS = 20_000
"""Of one document."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What documents are made from and stored in."""

    knowledge: KnowledgeBase
    parser: DocumentParser
    http: OutboundHttp


class Indexer:
    """Indexes what is queued, until it is stopped."""

    def __init__(self, store: KnowledgeStore, sources: Sources, retry_s: float = 2.0) -> None:
        self._store = store
        self._sources = sources
        self._retry_s = retry_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin on the running loop."""
        self._task = asyncio.create_task(self._work())

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    async def stop(self) -> None:
        """Stop at once; what is under way is taken again later."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            try:
                work = await self._store.take()
            except AweError as error:
                logger.warning("documents cannot be taken: %s", error)
                work = None
            if work is not None:
                await self._index(work)
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _index(self, work: Work) -> None:
        document = work.document
        shown: dict[str, Any] = {
            "name": document.name,
            "media_type": document.media_type,
            "size_bytes": document.size_bytes,
            "chunks": 0,
        }
        error: dict[str, str] | None = None
        try:
            await self._store_chunks(work, shown)
        except AweError as failure:
            detail = f"{failure.detail}; {failure.hint}" if failure.hint else failure.detail
            error = {"code": failure.code, "detail": detail}
        except Exception:  # one document must not end the indexing of all that follow it
            logger.exception("document %s cannot be indexed", document.id)
            error = {"code": "INTERNAL_ERROR", "detail": "AWE failed; the server's log says why"}
        try:
            if not await self._store.finish(document.id, error=error, **shown):
                # Deleted meanwhile, or queued again: in both cases these chunks are nobody's.
                await self._forget(work)
        except AweError as failure:
            logger.warning("document %s stays as it is until its lease lapses: %s", document.id, failure)

    async def _store_chunks(self, work: Work, shown: dict[str, Any]) -> None:
        document, collection = work.document, work.collection
        knowledge = self._sources.knowledge
        await knowledge.create(collection.user_id, collection.name, collection.embedder)
        parsed, size_bytes = await self._again(lambda: self._read(work))
        shown |= {"media_type": parsed.media_type, "size_bytes": size_bytes}
        if document.kind == "url" and parsed.title and document.name == document.source:
            shown["name"] = parsed.title[:200]
        chunks = await asyncio.to_thread(_chunks, work, parsed, str(shown["name"]))
        await knowledge.remove(collection.user_id, collection.name, document.id)
        if not await self._store.report(document.id, 0, len(chunks)):
            return
        for start in range(0, len(chunks), BATCH):
            batch = chunks[start : start + BATCH]
            await self._again(partial(knowledge.add, collection.user_id, collection.name, batch))
            if not await self._store.report(document.id, start + len(batch), len(chunks)):
                return
        shown["chunks"] = len(chunks)

    async def _read(self, work: Work) -> tuple[ParsedDocument, int]:
        document, data, media_type = work.document, work.content, work.document.media_type
        if document.kind == "text":
            return ParsedDocument((data or b"").decode(), media_type), document.size_bytes
        if document.kind == "url":
            answer = await self._sources.http.send(HttpRequest("GET", document.source))
            if answer.status >= 400:
                again = answer.status >= 500 or answer.status == 429
                raise NodeFailed("PAGE_REFUSED", f"the page answered with {answer.status}", "", again)
            data, media_type = answer.body, answer.headers.get("content-type", "text/html")
        if data is None:
            raise NodeFailed("NO_CONTENT", "what was uploaded is gone", "upload the file again")
        name = document.name if document.kind == "file" else urlsplit(document.source).path.rpartition("/")[2]
        return await self._sources.parser.parse(name or "page", data, media_type or None), len(data)

    async def _again(self, work: Callable[[], Awaitable[GivenT]]) -> GivenT:
        """Do it, and again a little later where that may help."""
        for tried in range(1, TRIES):
            try:
                return await work()
            except (NodeFailed, Unavailable) as failure:
                if not getattr(failure, "retryable", True):
                    raise
                wait_s = getattr(failure, "retry_after_s", None)
                await asyncio.sleep(self._retry_s * tried if wait_s is None else wait_s)
        return await work()

    async def _forget(self, work: Work) -> None:
        if await self._store.document(work.collection.id, work.document.id) is None:
            await self._sources.knowledge.remove(work.collection.user_id, work.collection.name, work.document.id)


def _chunks(work: Work, parsed: ParsedDocument, name: str) -> list[Chunk]:
    document, collection = work.document, work.collection
    made: list[Chunk] = []
    for piece in cut(parsed.text, collection.chunk_chars, collection.overlap_chars, collection.by_headings):
        if len(made) == MAX_CHUNKS:
            hint = "make the collection's chunks larger, or cut the document into several"
            raise NodeFailed("TOO_MANY_CHUNKS", f"the document has more than {MAX_CHUNKS:,} chunks", hint)
        position = len(made)
        source = document.source or name
        metadata: dict[str, Any] = {"source": source, "title": parsed.title or name, "document_id": document.id}
        metadata |= {"chunk": position, "start": piece.start}
        if piece.headings:
            metadata["headings"] = list(piece.headings)
        above = " > ".join(dict.fromkeys([parsed.title or name, *piece.headings]))
        made.append(Chunk(piece.text, metadata, f"{document.id}:{position}", document.id, position, above))
    if not made:
        raise NodeFailed("NO_TEXT", "there is no text in it")
    return made
