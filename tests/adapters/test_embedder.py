"""The local embedder: real weights, in a process of its own."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from awe_app.adapters import embedder as module
from awe_app.adapters.embedder import LocalEmbedder
from awe_app.adapters.embedder_cache import CachedEmbedder
from awe_app.domain.errors import NodeFailed

TEXTS = [
    "How do I reset my password?",
    "The cat sat on the mat and slept.",
    "Quarterly revenue grew by twelve percent.",
]


async def test_a_text_means_the_same_alone_and_among_others(embedder: CachedEmbedder):
    together = await embedder.embed(["x", *TEXTS])
    assert together.shape == (4, 384)
    alone = await CachedEmbedder(embedder._embedder).embed([TEXTS[2]])  # a cache of its own: it is embedded again
    assert float(alone[0] @ together[3]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("text", ["word " * 5000, "", "\0", "\ud800 half a character", "日本語のテキスト"])
async def test_a_text_of_any_kind_has_a_meaning(text: str, embedder: CachedEmbedder):
    assert float((await embedder.embed([text]) ** 2).sum()) == pytest.approx(1, abs=1e-4)


async def test_no_texts_have_no_vectors(embedder: CachedEmbedder):
    assert len(await embedder.embed([])) == 0


async def test_what_was_embedded_lately_is_not_embedded_again():
    asked: list[list[str]] = []

    class Watched:
        name = "watched"

        async def embed(self, texts, first: bool = False):
            asked.append(list(texts))
            return np.array([[float(len(text))] for text in texts], dtype=np.float32)

    cached = CachedEmbedder(Watched(), kept=2)
    assert (await cached.embed(["a", "bb", "a"])).tolist() == [[1], [2], [1]]
    await cached.embed(["bb"])
    await cached.embed(["ccc", "bb"])
    await cached.embed(["a"])
    assert asked == [["a", "bb"], ["ccc"], ["a"]]


async def test_a_question_overtakes_documents_that_are_being_stored():
    embedder = LocalEmbedder()
    ended: list[str] = []

    async def embed(name: str, texts: list[str], first: bool) -> None:
        await embedder.embed(texts, first)
        ended.append(name)

    await embedder.embed(["warm"])
    async with asyncio.TaskGroup() as group:
        group.create_task(embed("documents", [f"sentence number {n} " * 40 for n in range(24)], False))
        await asyncio.sleep(0)  # it is asked first
        group.create_task(embed("question", ["which one?"], True))
    await embedder.stop()
    assert ended == ["question", "documents"]


async def test_a_process_that_was_killed_is_told_and_the_next_text_starts_another():
    embedder = LocalEmbedder()
    await embedder.embed(["warm"])
    first = embedder.pid
    assert first
    async with asyncio.TaskGroup() as group:
        long = group.create_task(code_of(embedder, [f"sentence number {n} " * 40 for n in range(24)]))
        await asyncio.sleep(0.05)
        os.kill(first, signal.SIGKILL)
    assert long.result() == "EMBEDDER_UNAVAILABLE"
    assert len(await embedder.embed(["again"])) == 1
    assert embedder.pid not in (None, first)
    await embedder.stop()
    assert embedder.pid is None


async def code_of(embedder: LocalEmbedder, texts: list[str]) -> str:
    with pytest.raises(NodeFailed) as failed:
        await embedder.embed(texts)
    assert failed.value.retryable
    return failed.value.code


async def test_it_unloads_when_nobody_asks_for_a_while():
    embedder = LocalEmbedder(idle_s=0.01)
    await embedder.embed(["once"])
    async with asyncio.timeout(30):
        while embedder.pid is not None:
            await asyncio.sleep(0.01)
    await embedder.stop()


async def test_weights_that_are_no_weights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = tmp_path / "model.zip"
    broken.write_bytes(b"no zip")
    monkeypatch.setattr(module, "find_weights", lambda: broken)
    embedder = LocalEmbedder()
    with pytest.raises(NodeFailed, match="weights cannot be read"):
        await embedder.embed(["x"])
    await embedder.stop()


async def test_missing_weights_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(NodeFailed) as failed:
        await LocalEmbedder().embed(["x"])
    assert failed.value.code == "EMBEDDER_UNAVAILABLE"
