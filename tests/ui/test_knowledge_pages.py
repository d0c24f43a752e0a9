"""What the pages of collections and memories hold, over a whole AWE."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from awe_app.composition import Running
from awe_app.domain.accounts import User
from awe_app.domain.errors import Invalid
from awe_app.services.knowledge import LOCAL_EMBEDDER, MAX_FILES_BYTES, CollectionSettings
from awe_app.ui import routes
from awe_app.ui.components.document_list import size_in_words
from awe_app.ui.pages.collection_reading import PassagesState, ReadingState
from awe_app.ui.pages.collection_state import AddState, CollectionState
from awe_app.ui.pages.knowledge_state import KnowledgeState, NewCollectionState, collection_in
from awe_app.ui.pages.memories_state import MemoriesState, MemoryState
from tests.ui.conftest import Tab

FORM = {"name": "Handbook", "chunk_chars": "1000", "overlap_chars": "150", "by_headings": "on"}


async def drive(handler: Any) -> list[Any]:
    return [event async for event in handler if event is not None]


async def until(look: Callable[[], Any], true: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while True:
            await look()
            if true():
                return
            await asyncio.sleep(0.05)


async def test_a_collection_is_set_up_and_a_refusal_stays_in_the_form(tab: Tab) -> None:
    form = tab.state(NewCollectionState)
    await form.begin()
    await drive(form.save({**FORM, "overlap_chars": "900"}))
    assert "overlap" in form.problem
    assert form.is_open
    events = await drive(form.save(FORM))
    assert "/knowledge/" in str(events[-1].args)
    await drive(form.save(FORM))
    assert "already" in form.problem
    listed = tab.state(KnowledgeState)
    await listed.load()
    [row] = listed.rows
    assert (row.name, row.total, row.embedder, listed.pulse_ms) == ("Handbook", 0, LOCAL_EMBEDDER, 0)
    await listed.search("nothing like it")
    assert (listed.rows, listed.total) == ([], 0)
    await listed.search("")
    listed.ask(row.id)
    await listed.delete()
    assert (listed.rows, listed.doomed.id) == ([], "")


@pytest.mark.parametrize("size", ["", "-1", "1e3", "12.5", "٣٠٠", "9" * 50])
def test_a_size_that_is_no_whole_number_is_refused(size: str) -> None:
    with pytest.raises(Invalid, match="100 to 8,000"):
        collection_in({**FORM, "chunk_chars": size}, LOCAL_EMBEDDER)


def test_a_providers_model_is_named_with_its_provider() -> None:
    assert collection_in(FORM, LOCAL_EMBEDDER).embedder is None
    assert collection_in({**FORM, "model": " ada "}, "work").embedder == "work/ada"
    with pytest.raises(Invalid, match="which model"):
        collection_in(FORM, "work")


async def test_providers_that_embed_are_offered_and_others_are_not(awe: Running, user: User, tab: Tab) -> None:
    providers = [
        {"id": "work", "kind": "openai", "name": "Work"},
        {"id": "off", "kind": "openai", "enabled": False},
        {"id": "claude", "kind": "anthropic"},
    ]
    await awe.services.settings.save_llm(user, {"providers": providers})
    form = tab.state(NewCollectionState)
    await form.begin()
    assert form.providers == [{"id": "work", "title": "Work"}]


async def test_a_text_is_added_found_read_and_deleted(awe: Running, user: User, tab: Tab) -> None:
    made = await awe.services.knowledge.create(user, CollectionSettings("Facts", chunk_chars=200, overlap_chars=0))
    tab.visit(routes.collection(made.id))
    page = tab.state(CollectionState)
    await page.load()
    assert (page.head.name, page.rows, page.pulse_ms) == ("Facts", [], 0)
    add = tab.state(AddState)
    add.begin("text")
    await drive(add.save({"name": "Empty", "text": " "}))
    assert "no text" in add.problem
    text = "# Animals\n\nA cat purrs when it is content.\n\n# Trades\n\n" + "A carpenter works with wood. " * 12
    await drive(add.save({"name": "Notes", "text": text}))
    assert add.kind == ""
    assert page.pulse_ms
    await until(page.refresh, lambda: not page.pulse_ms)
    [row] = page.rows
    assert (row.status, row.name, row.problem) == ("ready", "Notes", "")

    found = tab.state(PassagesState)
    await drive(found.search({"query": "happy kitten"}))
    assert found.passages[0].headings == "Animals"
    assert found.passages[0].title == "Notes"
    assert float(found.passages[0].score) > 0
    await drive(found.change_mode("keyword"))
    assert found.passages == []
    await drive(found.search({"query": "carpenter"}))
    best = found.passages[0]
    assert (best.headings, found.busy) == ("Trades", False)
    await drive(found.search({"query": " "}))
    assert (found.query, found.passages) == ("", [])

    reading = tab.state(ReadingState)
    await reading.open(best.document_id, best.chunk)
    assert reading.chunks[best.chunk].text == best.text
    assert (reading.marked, reading.total) == (best.chunk, len(reading.chunks))
    await reading.ask(row.id)
    await reading.delete()
    assert (page.rows, page.head.total) == ([], 0)


async def test_an_address_that_fails_says_why_and_is_indexed_again(awe: Running, user: User, tab: Tab) -> None:
    made = await awe.services.knowledge.create(user, CollectionSettings("Pages"))
    tab.visit(routes.collection(made.id))
    page, add = tab.state(CollectionState), tab.state(AddState)
    await page.load()
    add.begin("url")
    await drive(add.save({"url": "file:///etc/passwd"}))
    assert "http" in add.problem
    await drive(add.save({"url": "http://127.0.0.1/private"}))
    for _ in range(2):
        await until(page.refresh, lambda: not page.pulse_ms)
        [row] = page.rows
        assert row.status == "failed"
        assert row.problem
        await page.index_again(row.id)
    await page.filter_by("ready")
    assert (page.rows, page.total) == ([], 0)


async def test_more_than_fits_at_once_is_announced_as_too_much(tab: Tab) -> None:
    add = tab.state(AddState)
    await add.announce(2, 12_300)
    assert add.uploading == "Uploading 2 files, 12 kB"
    add.arrive()
    assert "64 MB" in str(await add.announce(2, MAX_FILES_BYTES + 1))
    assert add.uploading == ""
    assert "big.pdf" in str(await add.refuse([{"file": {"path": "./big.pdf"}}]))
    assert [size_in_words(n) for n in (840, 12_300, 999_700, 3_400_000)] == ["840 B", "12 kB", "1.0 MB", "3.4 MB"]


async def test_another_ones_collection_does_not_exist(awe: Running, tab: Tab) -> None:
    eve = await awe.services.accounts.register("eve", "eve@example.org", "correct horse")
    made = await awe.services.knowledge.create(eve, CollectionSettings("Hers"))
    tab.visit(routes.collection(made.id))
    page = tab.state(CollectionState)
    await page.load()
    assert (page.missing, page.head.id) == (True, "")
    add = tab.state(AddState)
    add.begin("text")
    assert "toast" in str(await drive(add.save({"text": "mine now"})))
    listed = tab.state(KnowledgeState)
    await listed.load()
    assert listed.total == 0
    assert (await awe.services.knowledge.get(eve, made.id)).documents == 0


async def test_nothing_is_shown_to_who_is_not_signed_in(awe: Running) -> None:
    stranger = Tab()
    for path, state in (
        (routes.KNOWLEDGE, KnowledgeState),
        (routes.MEMORIES, MemoriesState),
        (routes.collection("x"), CollectionState),
    ):
        stranger.visit(path)
        assert "/login" in str((await stranger.state(state).load()).args)


async def test_memories_are_searched_changed_exported_and_deleted(awe: Running, user: User, tab: Tab) -> None:
    memory = awe.outside.memory
    for key, text in enumerate(["Ada likes tea.", "The office is in Lyon."]):
        await memory.remember(user.id, "facts", text, {"kind": "fact", "execution_id": "e1"}, str(key))
    await memory.remember(user.id, "other", "Something else.", {}, "2")
    tab.visit(routes.MEMORIES)
    page, one = tab.state(MemoriesState), tab.state(MemoryState)
    await page.load()
    assert page.namespaces == [{"name": "facts", "title": "facts (2)"}, {"name": "other", "title": "other (1)"}]
    await page.search("hot drinks")
    tea = page.rows[0]
    assert (tea.text, tea.kind, tea.href) == ("Ada likes tea.", "fact", "/executions/e1")
    assert tea.score
    await one.edit(tea.id)
    await drive(one.save({"text": " "}))
    assert "memory has" in one.problem
    await drive(one.save({"text": "Ada likes coffee."}))
    await page.search("")
    assert sorted(row.text for row in page.rows) == ["Ada likes coffee.", "The office is in Lyon."]
    assert "memories-facts.json" in str((await page.export()).args)
    await one.ask(tea.id)
    await one.delete()
    assert [row.text for row in page.rows] == ["The office is in Lyon."]
    one.ask_all()
    await one.delete()
    assert (page.namespace, [row.text for row in page.rows]) == ("other", ["Something else."])
