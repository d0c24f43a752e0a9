"""Collections from the first file to a search, on a real database, real Chroma and the local embedder."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.db import Database
from awe_app.adapters.documents import Documents
from awe_app.adapters.http import HttpClient
from awe_app.adapters.knowledge import ChromaKnowledge
from awe_app.adapters.knowledge_store import KnowledgeStore
from awe_app.adapters.user_store import UserStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import AweError
from awe_app.domain.ids import new_id
from awe_app.domain.knowledge import Document
from awe_app.domain.pages import PageQuery
from awe_app.services.indexing import Indexer, Sources
from awe_app.services.knowledge import CollectionSettings, Knowledge
from tests.conftest import OneEmbedder
from tests.http_server import HttpServer, says

GUIDE = """# Guide

## Cats
Cats sleep most of the day and hunt at dusk.

## Trains
The train to Hamburg leaves at noon from platform four.
"""


@dataclass
class Library:
    """The use cases and the indexer of one process."""

    ann: User
    ben: User
    store: KnowledgeStore
    sources: Sources
    embedders: OneEmbedder

    def open(self) -> None:
        """Start, as a process does."""
        self.indexer = Indexer(self.store, self.sources, retry_s=0.01)
        self.knowledge = Knowledge(self.store, self.sources.knowledge, self.embedders, self.indexer)

    async def collection(self, name: str = "books", **settings) -> str:
        """A new collection of Ann's."""
        return (await self.knowledge.create(self.ann, CollectionSettings(name, **settings))).id

    async def settled(self, collection_id: str) -> list[Document]:
        """The documents once none is queued or being indexed any more."""
        async with asyncio.timeout(120):
            while True:
                page = await self.knowledge.documents(self.ann, collection_id, PageQuery(limit=200))
                if all(document.status in ("ready", "failed") for document in page.items):
                    return page.items
                await asyncio.sleep(0.02)


@pytest.fixture
async def library(database: Database, chroma: Chroma, embedders: OneEmbedder, tmp_path: Path) -> AsyncIterator[Library]:
    users = UserStore(database)
    http = HttpClient(["127.0.0.1:0"])
    sources = Sources(ChromaKnowledge(chroma, embedders), Documents(), http)
    ann, ben = [await users.add(name, f"{name}@example.com", "x") for name in ("ann", "ben")]
    built = Library(ann, ben, KnowledgeStore(database), sources, embedders)
    built.open()
    built.indexer.start()
    yield built
    await built.indexer.stop()
    await http.stop()


async def code(work: Awaitable[object]) -> str:
    with pytest.raises(AweError) as failed:
        await work
    return failed.value.code


async def test_files_and_texts_are_cut_embedded_and_found_with_their_sources(library: Library):
    books = await library.collection(chunk_chars=100, overlap_chars=0)
    knowledge, ann = library.knowledge, library.ann
    await knowledge.add_files(ann, books, [("guide.md", GUIDE.encode(), ""), ("note.html", b"<p>Bread rises.</p>", "")])
    await knowledge.add_text(ann, books, "Memo", "The office moves to Lisbon in May.")
    documents = {document.name: document for document in await library.settled(books)}
    assert {name: (d.status, d.error) for name, d in documents.items()} == dict.fromkeys(
        ("guide.md", "note.html", "Memo"), ("ready", None)
    )
    (best, *_rest) = await knowledge.search(ann, books, "when does the train leave?", 3, "hybrid")
    assert "noon" in best.text
    assert best.metadata["source"] == "guide.md"
    assert best.metadata["headings"] == ["Guide", "Trains"]
    assert best.metadata["document_id"] == documents["guide.md"].id
    assert (await knowledge.search(ann, books, "Lisbon", 1, "keyword"))[0].metadata["title"] == "Memo"
    chunks = await knowledge.chunks(ann, books, documents["guide.md"].id, 50, 0)
    assert chunks.total == documents["guide.md"].chunks
    assert [chunk.position for chunk in chunks.items] == list(range(chunks.total))
    found = await knowledge.get(ann, books)
    assert (found.documents, found.ready, found.failed) == (3, 3, 0)
    assert found.chunks == sum(document.chunks for document in documents.values())


async def test_what_cannot_be_read_fails_with_a_reason_and_can_be_tried_again(library: Library):
    books = await library.collection()
    knowledge, ann = library.knowledge, library.ann
    await knowledge.add_files(ann, books, [("a.pdf", b"no pdf at all", ""), ("b.txt", b"Good text.", "")])
    by_name = {document.name: document for document in await library.settled(books)}
    broken = by_name["a.pdf"]
    assert (broken.status, by_name["b.txt"].status) == ("failed", "ready")
    assert broken.error
    assert broken.error["code"] == "UNREADABLE_FILE"
    assert (await knowledge.index_again(ann, books, broken.id)).status in ("queued", "indexing", "failed")
    await library.settled(books)
    assert (await knowledge.document(ann, books, broken.id)).status == "failed"


async def test_a_deleted_document_is_found_no_more(library: Library):
    books = await library.collection()
    knowledge, ann = library.knowledge, library.ann
    keep = await knowledge.add_text(ann, books, "keep", "Cats sleep all day.")
    gone = await knowledge.add_text(ann, books, "gone", "Cats hunt at dusk.")
    await library.settled(books)
    await knowledge.delete_document(ann, books, gone.id)
    assert [p.metadata["document_id"] for p in await knowledge.search(ann, books, "cats", 9, "hybrid")] == [keep.id]
    assert await code(knowledge.document(ann, books, gone.id)) == "DOCUMENT_NOT_FOUND"
    await knowledge.delete(ann, books)
    assert await code(knowledge.search(ann, books, "cats", 9, "hybrid")) == "COLLECTION_NOT_FOUND"
    again = await library.collection()
    assert await knowledge.search(ann, again, "cats", 9, "hybrid") == []


async def test_what_a_crash_left_behind_is_indexed_by_the_next_process(library: Library):
    await library.indexer.stop()
    library.open()
    books = await library.collection()
    for n in range(3):
        await library.knowledge.add_text(library.ann, books, f"text {n}", f"This is text number {n}.")
    taken = await library.store.take()
    assert taken
    assert taken.document.status == "indexing"
    await library.store.report(taken.document.id, 1, 3)  # here it is killed
    library.open()
    await library.store.release_all()
    library.indexer.start()
    documents = await library.settled(books)
    assert [document.status for document in documents] == ["ready"] * 3
    assert len(await library.knowledge.search(library.ann, books, "text", 50, "vector")) == 3


async def test_collections_take_turns(library: Library):
    await library.indexer.stop()
    library.open()
    large, small = await library.collection("large"), await library.collection("small")
    for n in range(3):
        await library.knowledge.add_text(library.ann, large, f"l{n}", f"large {n}")
    for n in range(2):
        await library.knowledge.add_text(library.ann, small, f"s{n}", f"small {n}")
    taken = []
    while work := await library.store.take():
        taken.append(work.document.name)
    assert taken == ["l0", "s0", "l1", "s1", "l2"]


async def test_nobody_sees_or_changes_what_is_another_users(library: Library):
    books = await library.collection()
    knowledge, ben = library.knowledge, library.ben
    added = await knowledge.add_text(library.ann, books, "secret", "Only Ann knows this.")
    await library.settled(books)
    tries: list[Callable[[], Awaitable[object]]] = [
        lambda: knowledge.get(ben, books),
        lambda: knowledge.delete(ben, books),
        lambda: knowledge.documents(ben, books, PageQuery()),
        lambda: knowledge.document(ben, books, added.id),
        lambda: knowledge.chunks(ben, books, added.id, 5, 0),
        lambda: knowledge.search(ben, books, "ann", 5, "hybrid"),
        lambda: knowledge.add_text(ben, books, "x", "y"),
        lambda: knowledge.index_again(ben, books, added.id),
        lambda: knowledge.delete_document(ben, books, added.id),
    ]
    assert {await code(attempt()) for attempt in tries} == {"COLLECTION_NOT_FOUND"}
    bens = (await knowledge.create(ben, CollectionSettings("books"))).id
    assert await code(knowledge.document(ben, bens, added.id)) == "DOCUMENT_NOT_FOUND"
    assert await code(knowledge.delete_document(ben, bens, added.id)) == "DOCUMENT_NOT_FOUND"
    assert await knowledge.search(ben, bens, "ann", 5, "hybrid") == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (CollectionSettings(" "), "INVALID_COLLECTION"),
        (CollectionSettings("x", chunk_chars=10), "INVALID_COLLECTION"),
        (CollectionSettings("x", chunk_chars=200, overlap_chars=150), "INVALID_COLLECTION"),
        (CollectionSettings("taken"), "COLLECTION_EXISTS"),
    ],
)
async def test_a_collection_that_cannot_be_is_refused(settings: CollectionSettings, expected: str, library: Library):
    await library.collection("taken")
    assert await code(library.knowledge.create(library.ann, settings)) == expected
    assert (await library.knowledge.list(library.ann, PageQuery())).total == 1


async def test_addresses_that_are_none_and_files_without_content_are_refused(library: Library):
    books = await library.collection()
    for url in ("ftp://example.org/x", "example.org", "https://user:pw@example.org", ""):
        assert await code(library.knowledge.add_url(library.ann, books, url)) == "INVALID_URL"
    assert await code(library.knowledge.add_files(library.ann, books, [("a.txt", b"", "")])) == "EMPTY_FILE"
    assert await code(library.knowledge.add_text(library.ann, books, "x", " \n")) == "EMPTY_TEXT"


async def test_a_page_within_the_operators_network_is_not_fetched(library: Library):
    books = await library.collection()
    await library.knowledge.add_url(library.ann, books, "http://127.0.0.1:9/secret")
    (document,) = await library.settled(books)
    assert document.status == "failed"
    assert document.error
    assert document.error["code"] == "ADDRESS_BLOCKED"


async def test_the_loop_serves_others_while_documents_are_indexed(library: Library):
    books = await library.collection()
    text = "The quick brown fox jumps over the lazy dog. " * 20  # with an id in front, so that none is cached
    for n in range(6):
        await library.knowledge.add_text(library.ann, books, f"t{n}", f"{new_id()} {text}")
    served = 0
    while True:
        page = await library.knowledge.documents(library.ann, books, PageQuery())
        if all(document.status == "ready" for document in page.items):
            break
        served += 1
        await asyncio.sleep(0)
    assert served > 6  # more requests than documents were answered meanwhile


async def test_a_page_is_fetched_and_read(library: Library):
    page = says("<title>News</title><body><p>The bridge is closed until June.</p></body>", content_type="text/html")
    async with HttpServer(news=page) as server:
        await library.indexer.stop()
        http = HttpClient([server.host])
        library.sources = Sources(library.sources.knowledge, library.sources.parser, http)
        library.open()
        library.indexer.start()
        books = await library.collection()
        await library.knowledge.add_url(library.ann, books, f"http://{server.host}/news")
        (document,) = await library.settled(books)
        await http.stop()
    assert (document.status, document.error, document.name) == ("ready", None, "News")
    (found,) = await library.knowledge.search(library.ann, books, "bridge", 3, "hybrid")
    assert "closed until June" in found.text
    assert found.metadata["source"].endswith("/news")
