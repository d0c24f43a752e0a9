"""Collections: real Chroma in a folder, real embeddings on this machine."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.embedder_cache import CachedEmbedder
from awe_app.adapters.knowledge import ChromaKnowledge
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import UserId
from awe_app.domain.knowledge import Document

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
async def knowledge(chroma: Chroma, embedder: CachedEmbedder) -> ChromaKnowledge:
    return ChromaKnowledge(chroma, embedder)


async def fill(knowledge: ChromaKnowledge, name: str = "texts", user: UserId | None = ANN) -> int:
    return await knowledge.add(user, name, [Document(text, {"n": n}) for n, text in enumerate(TEXTS)])


async def code(work: Any) -> str:
    with pytest.raises(NodeFailed) as failed:
        await work
    return failed.value.code


async def test_texts_are_found_by_meaning_best_first(knowledge: ChromaKnowledge):
    assert await fill(knowledge) == 5
    for n, question in enumerate(QUESTIONS):
        found = await knowledge.query(ANN, "texts", question, 3)
        assert (found[0].text, found[0].metadata) == (TEXTS[n], {"n": n})
        scores = [passage.score for passage in found]
        assert scores == sorted(scores, reverse=True)
        assert 1 >= scores[0] > 0.2
    assert (await knowledge.query(ANN, "texts", TEXTS[0], 1))[0].score == pytest.approx(1, abs=1e-4)
    assert len(await knowledge.query(ANN, "texts", "bread", 100)) == 5
    assert await knowledge.query(ANN, "texts", "  ", 3) == []


async def test_what_is_kept_outlives_the_process(tmp_path: Path, embedder: CachedEmbedder):
    first = Chroma(tmp_path)
    await fill(ChromaKnowledge(first, embedder))
    await first.stop()
    second = Chroma(tmp_path)
    found = await ChromaKnowledge(second, embedder).query(ANN, "texts", "kitten", 1)
    await second.stop()
    await second.stop()
    assert found[0].text == TEXTS[1]


async def test_nobody_finds_or_deletes_what_is_another_users(knowledge: ChromaKnowledge):
    await fill(knowledge)
    for stranger in (BEN, None, UserId("ann ")):
        assert await code(knowledge.query(stranger, "texts", "cat", 3)) == "COLLECTION_NOT_FOUND"
        assert await code(knowledge.delete(stranger, "texts")) == "COLLECTION_NOT_FOUND"
        assert await knowledge.collections(stranger) == []
    await knowledge.add(BEN, "texts", [Document("Only Ben knows this.")])
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
    await knowledge.add(ANN, "texts", [Document("old words", id="a")])
    assert await knowledge.add(ANN, "texts", [Document("new words", id="a"), Document("   ")]) == 6
    assert (await knowledge.query(ANN, "texts", "new words", 1))[0].text == "new words"


@pytest.mark.parametrize("name", ["x", "Ünïcode 🎉", "../../etc"])
async def test_names_may_be_any_text_and_metadata_any_json(name: str, knowledge: ChromaKnowledge):
    metadata = {"deep": {"list": [1, None, "ü"]}, "page": 3}
    await knowledge.add(ANN, name, [Document("hello world", metadata)])
    assert (await knowledge.query(ANN, name, "hello", 1))[0].metadata == metadata
    assert await knowledge.collections(ANN) == [name]


async def test_many_may_ask_and_add_at_once(knowledge: ChromaKnowledge):
    async with asyncio.TaskGroup() as group:
        for n in range(4):
            group.create_task(knowledge.add(ANN, "many", [Document(f"sentence number {n}")]))
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(knowledge.query(ANN, "many", f"sentence number {n}", 1)) for n in range(4)]
    assert [task.result()[0].text for task in asked] == [f"sentence number {n}" for n in range(4)]
