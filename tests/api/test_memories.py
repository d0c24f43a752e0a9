"""Long-term memory over REST."""

import httpx
import pytest

from awe_app.adapters.embedder_cache import CachedEmbedder
from awe_app.composition import Running
from awe_app.domain.ids import UserId
from tests.api.answers import assert_error
from tests.conftest import OneEmbedder

FACTS = ["Ann is allergic to peanuts.", "The office moves to Lisbon in May.", "The printer is broken."]


@pytest.fixture
async def kept(awe: Running, ann: httpx.AsyncClient, embedder: CachedEmbedder) -> None:
    """Three facts that Ann's agents have remembered."""
    awe.outside.memory._embedders = OneEmbedder(embedder)  # the session's process: another one takes a second to load
    user_id = UserId((await ann.get("/api/auth/me")).json()["id"])
    for n, fact in enumerate(FACTS):
        await awe.outside.memory.remember(user_id, "team a", fact, {"n": n}, str(n))


async def test_memories_are_listed_searched_mended_and_taken_along(kept: None, ann: httpx.AsyncClient):
    assert (await ann.get("/api/memories")).json() == {"items": [{"namespace": "team a", "count": 3}]}
    page = (await ann.get("/api/memories/team a?limit=2&offset=1")).json()
    assert [item["text"] for item in page["items"]] == FACTS[1::-1]
    assert (page["total"], page["limit"], page["offset"]) == (3, 2, 1)
    assert set(page["items"][0]) == {"id", "text", "created_at", "metadata"}
    found = (await ann.get("/api/memories/team a", params={"q": "what may she not eat?", "limit": 1})).json()
    (peanuts,) = found["items"]
    assert (peanuts["text"], peanuts["metadata"], 0 < peanuts["score"] <= 1) == (FACTS[0], {"n": 0}, True)
    changed = await ann.patch(f"/api/memories/team a/{peanuts['id']}", json={"text": "Ann eats anything."})
    assert (changed.status_code, changed.json()["text"]) == (200, "Ann eats anything.")
    exported = await ann.get("/api/memories/team a/export")
    assert [each["text"] for each in exported.json()["memories"]] == ["Ann eats anything.", *FACTS[1:]]
    assert "attachment" in exported.headers["content-disposition"]


async def test_memories_are_forgotten_one_by_one_and_all_at_once(kept: None, ann: httpx.AsyncClient):
    (newest, *_rest) = (await ann.get("/api/memories/team a")).json()["items"]
    assert (await ann.delete(f"/api/memories/team a/{newest['id']}")).status_code == 204
    assert_error(await ann.delete(f"/api/memories/team a/{newest['id']}"), 404, "MEMORY_NOT_FOUND")
    assert (await ann.delete("/api/memories/team a")).status_code == 204
    assert_error(await ann.delete("/api/memories/team a"), 404, "MEMORY_NOT_FOUND")
    assert (await ann.get("/api/memories")).json() == {"items": []}
    assert (await ann.get("/api/memories/team a")).json()["items"] == []


async def test_memories_are_their_owners_alone(kept: None, ann: httpx.AsyncClient, bob: httpx.AsyncClient):
    (item, *_rest) = (await ann.get("/api/memories/team a")).json()["items"]
    assert (await bob.get("/api/memories")).json() == {"items": []}
    assert (await bob.get("/api/memories/team a?q=peanuts")).json()["items"] == []
    assert (await bob.get("/api/memories/team a/export")).json()["memories"] == []
    address = f"/api/memories/team a/{item['id']}"
    assert_error(await bob.patch(address, json={"text": "mine"}), 404, "MEMORY_NOT_FOUND")
    assert_error(await bob.delete(address), 404, "MEMORY_NOT_FOUND")
    assert_error(await bob.delete("/api/memories/team a"), 404, "MEMORY_NOT_FOUND")


@pytest.mark.parametrize("body", [{"text": ""}, {"text": "   "}, {"text": "x" * 20_001}, {}, {"text": "x", "id": "y"}])
async def test_a_memory_that_cannot_be_is_refused(kept: None, ann: httpx.AsyncClient, body: dict[str, str]):
    (item, *_rest) = (await ann.get("/api/memories/team a")).json()["items"]
    refused = await ann.patch(f"/api/memories/team a/{item['id']}", json=body)
    assert refused.status_code == 400
