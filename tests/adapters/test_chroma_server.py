"""Two processes of AWE that share a Chroma server (``CHROMA_URL``): a real one, on a port of its own."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from awe_app.adapters.chroma import Chroma
from awe_app.adapters.knowledge import ChromaKnowledge
from awe_app.adapters.memory import ChromaMemory
from awe_app.domain.errors import NodeFailed, Unavailable
from awe_app.domain.ids import UserId, new_id
from awe_app.domain.knowledge import Chunk
from tests.conftest import OneEmbedder
from tests.e2e.server import free_port

START_S = 120.0


@pytest.fixture(scope="module")
def chroma_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Chroma server of this module."""
    folder, port = tmp_path_factory.mktemp("chroma"), free_port()
    program = "import sys; from chromadb.cli.cli import app; sys.exit(app())"
    options = ["run", "--path", str(folder / "data"), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-c", program, *options], stdout=log, stderr=log, cwd=folder)
    try:
        deadline = time.monotonic() + START_S
        while not answers(f"http://127.0.0.1:{port}/api/v2/heartbeat"):
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@dataclass
class Process:
    """What one process of AWE has of its own."""

    chroma: Chroma
    knowledge: ChromaKnowledge
    memory: ChromaMemory


@pytest.fixture
async def two(chroma_url: str, tmp_path: Path, embedders: OneEmbedder) -> AsyncIterator[tuple[Process, Process]]:
    processes = []
    for n in range(2):
        chroma = Chroma(tmp_path / str(n), chroma_url)
        processes.append(Process(chroma, ChromaKnowledge(chroma, embedders), ChromaMemory(chroma, embedders)))
    yield processes[0], processes[1]
    for process in processes:
        await process.chroma.stop()


@pytest.fixture
def ann() -> UserId:
    """Somebody new in each test: all share the server."""
    return UserId(new_id())


async def texts(process: Process, user: UserId, query: str, mode="keyword") -> list[str]:
    return sorted(passage.text for passage in await process.knowledge.query(user, "books", query, 9, mode))


async def test_each_finds_at_once_what_the_other_has_added_changed_and_removed(
    two: tuple[Process, Process], ann: UserId
):
    here, there = two
    await here.knowledge.add(ann, "books", [Chunk("alpha one", id="1", document_id="a")])
    assert await texts(here, ann, "alpha") == await texts(there, ann, "alpha") == ["alpha one"]
    await there.knowledge.add(ann, "books", [Chunk("alpha two", id="2", document_id="b")])
    await here.knowledge.add(ann, "books", [Chunk("alpha three", id="3", document_id="c")])
    for process in two:  # the words that either had in mind are those of both
        assert await texts(process, ann, "alpha") == ["alpha one", "alpha three", "alpha two"]
        assert len(await texts(process, ann, "alpha", "vector")) == 3
        assert len(await texts(process, ann, "alpha", "hybrid")) == 3
    await there.knowledge.add(ann, "books", [Chunk("beta", id="1", document_id="a")])
    await here.knowledge.remove(ann, "books", "b")
    for process in two:
        assert (await texts(process, ann, "alpha"), await texts(process, ann, "beta")) == (["alpha three"], ["beta"])
    await here.knowledge.delete(ann, "books")
    assert await there.knowledge.collections(ann) == []
    with pytest.raises(NodeFailed) as gone:
        await texts(there, ann, "alpha")
    assert gone.value.code == "COLLECTION_NOT_FOUND"


async def test_a_collection_made_anew_has_none_of_the_old_words(two: tuple[Process, Process], ann: UserId):
    here, there = two
    await here.knowledge.add(ann, "books", [Chunk("old words")])
    assert await texts(there, ann, "old") == ["old words"]
    await here.knowledge.delete(ann, "books")
    await here.knowledge.add(ann, "books", [Chunk("new words")])
    assert (await texts(there, ann, "old"), await texts(there, ann, "new")) == ([], ["new words"])


async def test_what_one_remembers_the_other_recalls_edits_and_forgets(two: tuple[Process, Process], ann: UserId):
    here, there = two
    kept = await here.memory.remember(ann, "facts", "Ann is allergic to peanuts.", {"n": 1}, "k")
    assert [each.text for each in await there.memory.recall(ann, "facts", "what may she not eat?", 3)] == [kept.text]
    assert (await there.memory.remember(ann, "facts", "something else", {}, "k")).id == kept.id  # once for a key
    await there.memory.edit(ann, "facts", kept.id, "Ann is allergic to walnuts.")
    (found,) = await here.memory.recall(ann, "facts", "nuts", 3)
    assert (found.text, found.metadata) == ("Ann is allergic to walnuts.", {"n": 1})
    await there.memory.forget(ann, "facts", kept.id)
    assert await here.memory.recall(ann, "facts", "nuts", 3) == []
    assert await here.memory.namespaces(ann) == []


async def test_nobody_finds_what_is_another_users_on_the_same_server(two: tuple[Process, Process], ann: UserId):
    here, there = two
    await here.knowledge.add(ann, "books", [Chunk("Only Ann knows this.")])
    await here.memory.remember(ann, "facts", "A secret of Ann's.", {}, "k")
    stranger = UserId(new_id())
    with pytest.raises(NodeFailed) as refused:
        await texts(there, stranger, "Ann")
    assert refused.value.code == "COLLECTION_NOT_FOUND"
    assert await there.knowledge.collections(stranger) == await there.memory.namespaces(stranger) == []
    assert await there.memory.recall(stranger, "facts", "secret", 3) == []


async def test_a_server_that_does_not_answer_is_told(tmp_path: Path, embedders: OneEmbedder, ann: UserId):
    chroma = Chroma(tmp_path, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable) as failed:
        await ChromaKnowledge(chroma, embedders).query(ann, "books", "x", 1)
    await chroma.stop()
    assert failed.value.code == "VECTORS_UNAVAILABLE"
    assert "CHROMA_URL" in str(failed.value.hint)
