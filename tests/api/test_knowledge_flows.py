"""Collections over REST, from an upload to a search."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from awe_app.adapters.embedder_cache import CachedEmbedder
from awe_app.adapters.embedders import Embedders
from awe_app.composition import Running
from tests.api.answers import assert_error

ADDRESS = "/api/knowledge/collections"


@pytest.fixture(autouse=True)
def _the_sessions_embedder(monkeypatch: pytest.MonkeyPatch, embedder: CachedEmbedder) -> Iterator[None]:
    """One process for all tests: another one takes a second to load."""

    async def find(_self: Embedders, _user: Any, _name: str) -> CachedEmbedder:
        return embedder

    with monkeypatch.context() as patched:
        patched.setattr(Embedders, "find", find)
        yield


async def ready(client: httpx.AsyncClient, address: str) -> list[dict[str, Any]]:
    async with asyncio.timeout(120):
        while True:
            items = (await client.get(f"{address}/documents")).json()["items"]
            if all(item["status"] in ("ready", "failed") for item in items):
                return items
            await asyncio.sleep(0.02)


async def test_a_collection_is_made_filled_searched_and_deleted(
    awe: Running, ann: httpx.AsyncClient, bob: httpx.AsyncClient
):
    made = await ann.post(ADDRESS, json={"name": "Handbook", "chunk_chars": 200, "overlap_chars": 20})
    assert made.status_code == 201
    address = f"{ADDRESS}/{made.json()['id']}"
    assert_error(await ann.post(ADDRESS, json={"name": "Handbook"}), 409, "COLLECTION_EXISTS")
    text = await ann.post(f"{address}/documents", json={"name": "Travel", "text": "Trains leave at noon."})
    assert (text.status_code, text.json()["kind"]) == (202, "text")
    files = [("files", ("cats.md", b"# Cats\nThey sleep all day.")), ("files", ("bad.pdf", b"none"))]
    uploaded = await ann.post(f"{address}/documents/files", files=files)
    assert uploaded.status_code == 202
    assert [item["name"] for item in uploaded.json()["items"]] == ["cats.md", "bad.pdf"]
    items = {item["name"]: item for item in await ready(ann, address)}
    assert {name: item["status"] for name, item in items.items()} == {
        "Travel": "ready",
        "cats.md": "ready",
        "bad.pdf": "failed",
    }
    assert items["bad.pdf"]["error"]["code"] == "UNREADABLE_FILE"
    assert items["Travel"]["progress"] == 1
    for mode in ("hybrid", "vector", "keyword"):
        found = await ann.post(f"{address}/search", json={"query": "sleep", "top_k": 1, "mode": mode})
        (passage,) = found.json()["items"]
        assert passage["text"] == "# Cats\nThey sleep all day."
        assert passage["metadata"]["source"] == "cats.md"
    cats = f"{address}/documents/{items['cats.md']['id']}"
    assert [chunk["position"] for chunk in (await ann.get(f"{cats}/chunks")).json()["items"]] == [0]
    assert (await ann.get(f"{address}/documents?status=failed")).json()["total"] == 1
    assert (await ann.post(f"{cats}/index")).status_code == 202
    await ready(ann, address)
    for method, path in (
        ("GET", address),
        ("DELETE", address),
        ("GET", f"{address}/documents"),
        ("GET", cats),
        ("DELETE", cats),
        ("GET", f"{cats}/chunks"),
        ("POST", f"{cats}/index"),
    ):
        assert_error(await bob.request(method, path), 404, "COLLECTION_NOT_FOUND")
    assert_error(await bob.post(f"{address}/search", json={"query": "cats"}), 404, "COLLECTION_NOT_FOUND")
    assert_error(await bob.post(f"{address}/documents", json={"text": "mine"}), 404, "COLLECTION_NOT_FOUND")
    assert_error(await bob.post(f"{address}/documents/files", files=files), 404, "COLLECTION_NOT_FOUND")
    assert (await bob.get(ADDRESS)).json()["items"] == []
    assert (await ann.delete(cats)).status_code == 204
    (listed,) = (await ann.get(f"{ADDRESS}?q=hand")).json()["items"]
    assert listed["documents"] == {"total": 2, "ready": 1, "failed": 1}
    assert (await ann.delete(address)).status_code == 204
    assert_error(await ann.get(address), 404, "COLLECTION_NOT_FOUND")


async def test_what_makes_no_sense_is_refused(awe: Running, ann: httpx.AsyncClient):
    address = f"{ADDRESS}/{(await ann.post(ADDRESS, json={'name': 'x'})).json()['id']}"
    for body in ({}, {"text": "a", "url": "https://example.org"}, {"text": ""}, {"url": "ftp://x"}, {"kind": "file"}):
        assert (await ann.post(f"{address}/documents", json=body)).status_code == 400
    for body in ({"name": ""}, {"name": "y", "chunk_chars": 1}, {"name": "y", "overlap_chars": 900}):
        assert (await ann.post(ADDRESS, json=body)).status_code == 400
    for body in ({"query": "x", "mode": "luck"}, {"query": "x", "top_k": 0}, {}):
        assert (await ann.post(f"{address}/search", json=body)).status_code == 400
    no_form = await ann.post(f"{address}/documents/files", json={"files": []})
    assert_error(no_form, 400, "INVALID_CONTENT_TYPE")
    too_large = await ann.post(f"{address}/documents/files", files={"files": b"x" * (65 * 1024 * 1024)})
    assert_error(too_large, 413, "BODY_TOO_LARGE")
