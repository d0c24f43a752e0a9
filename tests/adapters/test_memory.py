"""Long-term memory: real Chroma in a folder, real embeddings on this machine."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from awe_app.adapters import memory as module
from awe_app.adapters.chroma import Chroma
from awe_app.adapters.memory import ChromaMemory
from awe_app.domain.errors import NotFound
from awe_app.domain.ids import UserId, utc_now
from tests.conftest import OneEmbedder

ANN, BEN = UserId("ann"), UserId("ben")
FACTS = ["Ann is allergic to peanuts.", "The office moves to Lisbon in May.", "The printer on floor two is broken."]


@pytest.fixture
def memory(chroma: Chroma, embedders: OneEmbedder) -> ChromaMemory:
    return ChromaMemory(chroma, embedders)


async def fill(memory: ChromaMemory, namespace: str = "facts") -> None:
    for n, fact in enumerate(FACTS):
        await memory.remember(ANN, namespace, fact, {"execution_id": "e", "n": n}, f"e:{n}")


async def code(work) -> str:
    with pytest.raises(NotFound) as missing:
        await work
    return missing.value.code


async def test_what_fits_the_question_is_recalled_best_first(memory: ChromaMemory):
    await fill(memory)
    for question, n in (("what may she not eat?", 0), ("which city will we work in?", 1), ("paper jam", 2)):
        found = await memory.recall(ANN, "facts", question, 2)
        assert (found[0].text, dict(found[0].metadata)) == (FACTS[n], {"execution_id": "e", "n": n})
        assert len(found) == 2
        assert 1 >= found[0].score >= found[1].score > 0  # type: ignore[operator]
    assert await memory.recall(ANN, "facts", " ", 2) == []
    assert await memory.recall(ANN, "nothing here", "peanuts", 2) == []


async def test_of_two_that_say_the_same_the_fresher_one_comes_first(
    memory: ChromaMemory, monkeypatch: pytest.MonkeyPatch
):
    long_ago = utc_now() - timedelta(days=30)
    with monkeypatch.context() as patched:
        patched.setattr(module, "utc_now", lambda: long_ago)
        old = await memory.remember(ANN, "facts", "The meeting is on Monday at ten.", {}, "old")
        await memory.remember(ANN, "facts", "Bananas are yellow.", {}, "other")
    new = await memory.remember(ANN, "facts", "The meeting is on Friday at ten.", {}, "new")
    found = await memory.recall(ANN, "facts", "When is the meeting?", 3)
    assert [each.id for each in found[:2]] == [new.id, old.id]
    assert old.created_at == long_ago


async def test_the_same_key_is_remembered_once(memory: ChromaMemory):
    first = await memory.remember(ANN, "facts", "once", {"n": 1}, "key")
    again = await memory.remember(ANN, "facts", "once, but said otherwise", {"n": 2}, "key")
    assert again == first
    kept, total = await memory.page(ANN, "facts", 10, 0)
    assert (list(kept), total) == ([first], 1)


async def test_lists_begin_with_the_newest_and_come_in_pages(memory: ChromaMemory):
    await fill(memory)
    first, total = await memory.page(ANN, "facts", 2, 0)
    rest, _total = await memory.page(ANN, "facts", 2, 2)
    assert total == 3
    assert [each.text for each in [*first, *rest]] == FACTS[::-1]
    assert await memory.page(ANN, "empty", 2, 0) == ([], 0)


async def test_an_edited_memory_is_found_by_its_new_text(memory: ChromaMemory):
    await fill(memory)
    (printer, *_rest), _total = await memory.page(ANN, "facts", 1, 0)
    changed = await memory.edit(ANN, "facts", printer.id, "The coffee machine was repaired.")
    assert (changed.id, changed.created_at, changed.metadata) == (printer.id, printer.created_at, printer.metadata)
    assert (await memory.recall(ANN, "facts", "espresso", 1))[0].text == "The coffee machine was repaired."
    assert await code(memory.edit(ANN, "facts", "nobody", "x")) == "MEMORY_NOT_FOUND"
    assert await code(memory.edit(ANN, "elsewhere", printer.id, "x")) == "MEMORY_NOT_FOUND"


async def test_one_or_all_are_forgotten(memory: ChromaMemory):
    await fill(memory)
    await fill(memory, "more")
    assert await memory.namespaces(ANN) == ["facts", "more"]
    kept, _total = await memory.page(ANN, "facts", 9, 0)
    await memory.forget(ANN, "facts", kept[0].id)
    assert (await memory.page(ANN, "facts", 9, 0))[1] == 2
    assert await code(memory.forget(ANN, "facts", kept[0].id)) == "MEMORY_NOT_FOUND"
    await memory.forget(ANN, "facts")
    assert await code(memory.forget(ANN, "facts")) == "MEMORY_NOT_FOUND"
    for each in kept:
        await memory.forget(ANN, "more", each.id)  # the same keys, and so the same ids
    assert await memory.namespaces(ANN) == []


async def test_nobody_sees_or_changes_what_is_another_users(memory: ChromaMemory):
    await fill(memory)
    (kept, *_rest), _total = await memory.page(ANN, "facts", 1, 0)
    for stranger in (BEN, None, UserId("ann ")):
        assert await memory.recall(stranger, "facts", FACTS[0], 3) == []
        assert await memory.page(stranger, "facts", 3, 0) == ([], 0)
        assert await memory.namespaces(stranger) == []
        assert await code(memory.edit(stranger, "facts", kept.id, "mine")) == "MEMORY_NOT_FOUND"
        assert await code(memory.forget(stranger, "facts", kept.id)) == "MEMORY_NOT_FOUND"
        assert await code(memory.forget(stranger, "facts")) == "MEMORY_NOT_FOUND"
    assert (await memory.page(ANN, "facts", 9, 0))[1] == 3


async def test_what_is_kept_outlives_the_process_and_is_any_text(tmp_path: Path, embedders: OneEmbedder):
    first = Chroma(tmp_path)
    kept = await ChromaMemory(first, embedders).remember(None, "../ü 🎉", "\ud800 half", {"deep": [1, None]}, "k")
    await first.stop()
    second = Chroma(tmp_path)
    assert await ChromaMemory(second, embedders).page(None, "../ü 🎉", 9, 0) == ([kept], 1)
    await second.stop()


async def test_a_namespace_keeps_the_embedder_that_was_chosen_when_it_began(chroma: Chroma, embedders: OneEmbedder):
    class Counting:
        name = "own/counting"
        texts: ClassVar[list[str]] = []

        async def embed(self, texts: Sequence[str], first: bool = False) -> Any:
            self.texts.extend(texts)
            return np.array([[float(len(text)), 1.0] for text in texts], dtype=np.float32)

    class Both:
        choice = "own/counting"

        async def find(self, user_id: UserId | None, name: str) -> Any:
            return Counting() if name == Counting.name else await embedders.find(user_id, name)

        async def chosen(self, user_id: UserId | None) -> str:
            return self.choice

    both = Both()
    memory = ChromaMemory(chroma, both)
    first = await memory.remember(ANN, "early", "short", {}, "1")
    both.choice = embedders.local.name
    await memory.remember(ANN, "early", "longer", {}, "2")
    await memory.remember(ANN, "late", "Ann keeps bees.", {}, "3")
    await memory.edit(ANN, "early", first.id, "shorter")
    assert Counting.texts == ["short", "longer", "shorter"]
    assert len(await memory.recall(ANN, "early", "what", 5)) == 2
    assert Counting.texts[-1] == "what"
    (bees,) = await memory.recall(ANN, "late", "who has insects?", 5)
    assert bees.text == "Ann keeps bees."
