"""Collections: real Chroma in a folder, real embeddings on this machine."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
import pytest
from chromadb.config import Settings

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.knowledge import ChromaKnowledge, fused
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.knowledge import Chunk
from tests.conftest import OneEmbedder

ANN, BEN = UserId("ann"), UserId("ben")
TEXTS = [
    "How do I reset my password?",
    "The cat sat on the mat and slept.",
    "Quarterly revenue grew by twelve percent.",
    "Bake the bread for forty minutes in a hot oven.",
    "The train to Hamburg leaves at noon.",
]
QUESTIONS = [
    "I cannot sign in to my account any more",
    "What is the kitten doing?",
    "How well is the company selling?",
    "recipe for a loaf",
    "travel by rail",
]


@pytest.fixture
async def knowledge(chroma: Chroma, embedders: OneEmbedder) -> ChromaKnowledge:
    return ChromaKnowledge(chroma, embedders)


async def fill(knowledge: ChromaKnowledge, name: str = "texts", user: UserId | None = ANN) -> int:
    return await knowledge.add(user, name, [Chunk(text, {"n": n}) for n, text in enumerate(TEXTS)])


async def code(work: Any) -> str:
    with pytest.raises(NodeFailed) as failed:
        await work
    return failed.value.code


async def test_texts_are_found_by_meaning_best_first(knowledge: ChromaKnowledge):
    assert await fill(knowledge) == 5
    for n, question in enumerate(QUESTIONS):
        found = await knowledge.query(ANN, "texts", question, 3, "vector")
        assert (found[0].text, found[0].metadata) == (TEXTS[n], {"n": n})
        scores = [passage.score for passage in found]
        assert scores == sorted(scores, reverse=True)
        assert 1 >= scores[0] > 0.2
    assert (await knowledge.query(ANN, "texts", TEXTS[0], 1, "vector"))[0].score == pytest.approx(1, abs=1e-4)
    assert len(await knowledge.query(ANN, "texts", "bread", 100, "vector")) == 5
    assert await knowledge.query(ANN, "texts", "  ", 3) == []


async def test_what_is_kept_outlives_the_process(tmp_path: Path, embedders: OneEmbedder):
    first = Chroma(tmp_path)
    await fill(ChromaKnowledge(first, embedders))
    await first.stop()
    second = Chroma(tmp_path)
    found = await ChromaKnowledge(second, embedders).query(ANN, "texts", "kitten", 1)
    await second.stop()
    await second.stop()
    assert found[0].text == TEXTS[1]


async def test_nobody_finds_or_deletes_what_is_another_users(knowledge: ChromaKnowledge):
    await fill(knowledge)
    for stranger in (BEN, None, UserId("ann ")):
        assert await code(knowledge.query(stranger, "texts", "cat", 3)) == "COLLECTION_NOT_FOUND"
        assert await code(knowledge.delete(stranger, "texts")) == "COLLECTION_NOT_FOUND"
        assert await knowledge.collections(stranger) == []
    await knowledge.add(BEN, "texts", [Chunk("Only Ben knows this.")])
    assert [passage.text for passage in await knowledge.query(BEN, "texts", "cat", 9)] == ["Only Ben knows this."]
    assert len(await knowledge.query(ANN, "texts", "cat", 9)) == 5
    await knowledge.delete(BEN, "texts")
    assert await knowledge.collections(ANN) == ["texts"]


async def test_a_collection_that_is_missing_is_told_with_those_there_are(knowledge: ChromaKnowledge):
    await fill(knowledge, "recipes")
    with pytest.raises(NodeFailed) as failed:
        await knowledge.query(ANN, "recipies", "bread", 3)
    assert failed.value.code == "COLLECTION_NOT_FOUND"
    assert "recipes" in failed.value.detail


async def test_the_same_document_is_kept_once_and_an_id_replaces(knowledge: ChromaKnowledge):
    await fill(knowledge)
    assert await fill(knowledge) == 5
    await knowledge.add(ANN, "texts", [Chunk("old words", id="a")])
    assert await knowledge.add(ANN, "texts", [Chunk("new words", id="a"), Chunk("   ")]) == 6
    assert (await knowledge.query(ANN, "texts", "new words", 1))[0].text == "new words"


@pytest.mark.parametrize("name", ["x", "Ünïcode 🎉", "../../etc"])
async def test_names_may_be_any_text_and_metadata_any_json(name: str, knowledge: ChromaKnowledge):
    metadata = {"deep": {"list": [1, None, "ü"]}, "page": 3}
    await knowledge.add(ANN, name, [Chunk("hello world", metadata)])
    assert (await knowledge.query(ANN, name, "hello", 1))[0].metadata == metadata
    assert await knowledge.collections(ANN) == [name]


async def test_many_may_ask_and_add_at_once(knowledge: ChromaKnowledge):
    async with asyncio.TaskGroup() as group:
        for n in range(4):
            group.create_task(knowledge.add(ANN, "many", [Chunk(f"sentence number {n}")]))
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(knowledge.query(ANN, "many", f"sentence number {n}", 1)) for n in range(4)]
    assert [task.result()[0].text for task in asked] == [f"sentence number {n}" for n in range(4)]


async def test_words_find_what_has_no_meaning_to_a_model(knowledge: ChromaKnowledge):
    parts = [f"Part {code} is kept on shelf {n}." for n, code in enumerate(("XK-4471", "QZ-9902", "LM-3308"))]
    await knowledge.add(ANN, "parts", [Chunk(text, {"n": n}) for n, text in enumerate(parts)])
    (found,) = await knowledge.query(ANN, "parts", "where do we keep qz-9902?", 1, "keyword")
    assert (found.text, found.scores) == (parts[1], {"keyword": found.score})
    assert found.score > 0
    assert await knowledge.query(ANN, "parts", "zebra", 3, "keyword") == []
    assert await knowledge.query(ANN, "parts", "?!", 3, "keyword") == []


async def test_hybrid_puts_first_what_is_first_by_meaning_and_by_words(knowledge: ChromaKnowledge):
    await fill(knowledge)
    (first, *rest) = await knowledge.query(ANN, "texts", "a cat that slept", 5)
    assert (first.text, first.score) == (TEXTS[1], 1.0)  # the first of both
    assert set(first.scores) == {"vector", "keyword"}
    assert [passage.score for passage in rest] == sorted((passage.score for passage in rest), reverse=True)
    assert all(set(passage.scores) == {"vector"} for passage in rest)
    assert first.as_json()["metadata"] == {"n": 1, "scores": dict(first.scores)}


def test_meaning_counts_four_times_as_much_as_words_each_as_a_share_of_the_best():
    assert fused({"a": 0.6, "b": 0.2, "c": -1.0}, {"b": 8.0, "c": 4.0}) == {
        "a": pytest.approx(0.8),
        "b": pytest.approx(0.8 * 1.2 / 1.6 + 0.2),
        "c": pytest.approx(0.2 / 2),
    }
    assert fused({"a": 0.5}, {}) == {"a": pytest.approx(0.8)}
    assert fused({"a": -1.0}, {"a": 2.0}) == {"a": pytest.approx(0.2)}
    assert fused({}, {}) == {}


async def test_what_words_alone_have_found_is_weighed_by_its_meaning_too(knowledge: ChromaKnowledge):
    far = "Quarterly revenue, catalogue code QX-9."
    await knowledge.add(
        ANN, "texts", [Chunk(far), *(Chunk(f"Cat {n} sleeps.") for n in range(60))]
    )  # beyond the first 50
    question = "Do all those cats sleep near QX-9?"
    (found,) = [each for each in await knowledge.query(ANN, "texts", question, 5) if each.text == far]
    (*_nearer, last) = await knowledge.query(ANN, "texts", question, 61, "vector")
    assert last.text == far
    assert found.scores["vector"] == pytest.approx(last.score, abs=1e-4)
    assert found.scores["keyword"] > 0


async def test_words_keep_in_step_with_what_is_added_and_removed(knowledge: ChromaKnowledge):
    async def ids(word: str) -> list[str]:
        return [passage.text for passage in await knowledge.query(ANN, "texts", word, 9, "keyword")]

    await knowledge.add(ANN, "texts", [Chunk("alpha one", id="1", document_id="a"), Chunk("beta", id="2")])
    assert await ids("alpha") == ["alpha one"]
    await knowledge.add(ANN, "texts", [Chunk("gamma", id="2"), Chunk("alpha two", id="3", document_id="a")])
    assert sorted(await ids("alpha")) == ["alpha one", "alpha two"]
    assert (await ids("beta"), await ids("gamma")) == ([], ["gamma"])
    await knowledge.remove(ANN, "texts", "a")
    assert await ids("alpha") == []
    await knowledge.delete(ANN, "texts")
    await knowledge.add(ANN, "texts", [Chunk("delta")])
    assert (await ids("gamma"), await ids("delta")) == ([], ["delta"])


async def test_headings_are_found_but_are_no_part_of_the_text(knowledge: ChromaKnowledge):
    await knowledge.add(ANN, "book", [Chunk("Wash it cold.", context="Wool > Care"), Chunk("Sharpen it.")])
    for mode in ("keyword", "hybrid", "vector"):
        assert (await knowledge.query(ANN, "book", "wool", 1, mode))[0].text == "Wash it cold."


async def test_the_chunks_of_a_document_come_in_their_order(knowledge: ChromaKnowledge):
    chunks = [Chunk(f"piece {n}", {"n": n}, f"d:{n}", "d", n) for n in range(12)]
    await knowledge.add(ANN, "texts", [*chunks[::-1], Chunk("another", document_id="e")])
    assert await knowledge.chunks(ANN, "texts", "d", 5, 0) == (chunks[:5], 12)
    assert await knowledge.chunks(ANN, "texts", "d", 5, 10) == (chunks[10:], 12)
    assert await knowledge.chunks(ANN, "texts", "nothing", 5, 0) == ([], 0)


async def test_a_collection_takes_the_vectors_of_its_own_embedder_only(chroma: Chroma, embedders: OneEmbedder):
    class Flat:
        name = "flat/two"

        async def embed(self, texts, first: bool = False):
            return np.ones((len(texts), self.size), dtype=np.float32)

        size = 2

    class Two(OneEmbedder):
        async def find(self, user_id, name):
            return flat if name == flat.name else self.local

    flat = Flat()
    knowledge = ChromaKnowledge(chroma, Two(embedders.local))
    await knowledge.create(ANN, "flat", flat.name)
    await knowledge.create(ANN, "flat", flat.name)
    assert await code(knowledge.create(ANN, "flat", embedders.local.name)) == "EMBEDDER_CHANGED"
    assert await knowledge.query(ANN, "flat", "anything", 3) == []
    await knowledge.add(ANN, "flat", [Chunk("one"), Chunk("two")])
    assert len(await knowledge.query(ANN, "flat", "anything", 3)) == 2
    flat.size = 3  # the provider has put another model under the name
    assert await code(knowledge.query(ANN, "flat", "anything", 3)) == "EMBEDDER_CHANGED"
    assert await code(knowledge.add(ANN, "flat", [Chunk("three")])) == "EMBEDDER_CHANGED"


async def test_a_folder_of_an_earlier_version_is_taken_over(tmp_path: Path, embedders: OneEmbedder):
    folder = tmp_path / "knowledge"
    older = chromadb.PersistentClient(path=str(folder), settings=Settings(anonymized_telemetry=False))
    older.get_or_create_collection("theirs")
    older.close()  # type: ignore[attr-defined]
    store = Chroma(tmp_path)
    await fill(ChromaKnowledge(store, embedders))
    assert await store.call(lambda shelf: shelf.find("theirs")) is not None
    assert len(await ChromaKnowledge(store, embedders).query(ANN, "texts", "cat", 9)) == 5
    await store.stop()
    with closing(sqlite3.connect(folder / "chroma.sqlite3")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
