"""Workflows over REST."""

import httpx
import pytest

from tests.api.answers import assert_error
from tests.builders import graph, node

SERVER_KEYS = {"id", "owner_id", "is_public", "version", "created_at", "updated_at", "issues"}


async def create(client: httpx.AsyncClient, **rest: object) -> dict:
    answer = await client.post("/api/workflows", json=graph("a -> b", **rest))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_workflow_is_created_read_changed_and_deleted(ann: httpx.AsyncClient):
    created = await create(ann)
    assert set(created) >= SERVER_KEYS
    assert created["version"] == 1
    address = f"/api/workflows/{created['id']}"
    read = await ann.get(address)
    assert read.json() == created
    assert read.headers["etag"] == '"1"'
    changed = await ann.put(address, json={**graph("a -> b -> c"), "name": "Changed"})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["version"], len(changed.json()["nodes"])) == ("Changed", 2, 3)
    gone = await ann.delete(address)
    assert (gone.status_code, gone.content) == (204, b"")
    for answer in (await ann.get(address), await ann.delete(address), await ann.put(address, json=graph("a"))):
        assert_error(answer, 404, "WORKFLOW_NOT_FOUND")


async def test_if_match_lets_the_newest_version_be_changed_and_refuses_older_ones(ann: httpx.AsyncClient):
    address = f"/api/workflows/{(await create(ann))['id']}"
    for version, form in enumerate(("{}", '"{}"', 'W/"{}"', ' "{}" '), start=1):
        headers = {"If-Match": form.format(version)}
        assert (await ann.put(address, json=graph("a"), headers=headers)).json()["version"] == version + 1
        assert_error(await ann.put(address, json=graph("a"), headers=headers), 409, "STALE_VERSION")
        assert (await ann.get(address)).json()["version"] == version + 1


async def test_without_if_match_or_with_a_star_the_last_write_wins(ann: httpx.AsyncClient):
    address = f"/api/workflows/{(await create(ann))['id']}"
    assert (await ann.put(address, json=graph("a"))).json()["version"] == 2
    assert (await ann.put(address, json=graph("a"), headers={"If-Match": "*"})).json()["version"] == 3


async def test_what_was_read_can_be_sent_back(ann: httpx.AsyncClient):
    created = await create(ann)
    address = f"/api/workflows/{created['id']}"
    answer = await ann.put(address, json={**created, "name": "Renamed"})
    assert answer.status_code == 200, answer.text
    assert_error(await ann.put(address, json={**answer.json(), "owner_id": "somebody"}), 400, "SERVER_OWNED_KEY")


async def test_a_workflow_can_be_made_public_and_then_be_seen_but_not_changed(
    ann: httpx.AsyncClient, bob: httpx.AsyncClient
):
    created = await create(ann, is_public=True)
    address = f"/api/workflows/{created['id']}"
    assert created["is_public"] is True
    assert (await bob.get(address)).status_code == 200
    assert_error(await bob.put(address, json=graph("a")), 403)
    assert_error(await bob.delete(address), 403)
    assert (await ann.put(address, json={**graph("a"), "is_public": False})).json()["is_public"] is False
    assert_error(await bob.get(address), 404)
    assert_error(await ann.put(address, json={**graph("a"), "is_public": "yes"}), 400)


async def test_lists_hold_one_s_own_and_are_cut_searched_and_sorted(ann: httpx.AsyncClient, bob: httpx.AsyncClient):
    for name in ("Beta", "Alpha", "Gamma"):
        await create(ann, name=name)
    await create(bob, name="Other")

    async def names(query: str) -> list[str]:
        answer = await ann.get(f"/api/workflows?{query}")
        assert answer.status_code == 200, answer.text
        return [item["name"] for item in answer.json()["items"]]

    assert await names("sort=name") == ["Alpha", "Beta", "Gamma"]
    assert await names("sort=-name") == ["Gamma", "Beta", "Alpha"]
    assert await names("sort=created_at") == ["Beta", "Alpha", "Gamma"]
    assert await names("sort=name&limit=1&offset=1") == ["Beta"]
    assert await names("q=ALPH") == ["Alpha"]
    assert await names("q=%25") == []
    page = (await ann.get("/api/workflows?limit=2")).json()
    assert {key: page[key] for key in ("total", "limit", "offset")} == {"total": 3, "limit": 2, "offset": 0}


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"name": ""},
        {**graph("a -> b"), "unheard_of": 1},
        {**graph("a"), "nodes": "many"},
        graph("a -> b -> a"),
        {**graph("a"), "edges": [{"id": "e", "source": "a", "target": "nowhere"}]},
        graph("", node("a", "unheard_of")),
        {**graph("a"), "nodes": [node("a"), node("a")]},
        {**graph("a"), "schema_version": 2},
    ],
    ids=lambda raw: str(raw)[:40],
)
async def test_what_is_malformed_is_refused_everywhere(ann: httpx.AsyncClient, broken: dict):
    body = assert_error(await ann.post("/api/workflows", json=broken), 400, "INVALID_WORKFLOW")
    assert body["issues"]
    created = await create(ann)
    assert_error(await ann.put(f"/api/workflows/{created['id']}", json=broken), 400, "INVALID_WORKFLOW")
    checked = (await ann.post("/api/workflows/validate", json=broken)).json()
    assert checked["valid"] is False
    assert all(set(issue) == {"severity", "code", "message", "node_id", "field"} for issue in checked["issues"])


async def test_a_draft_is_kept_with_its_issues_and_not_run(ann: httpx.AsyncClient):
    draft = graph("", node("a", config={"template": "{{ unheard_of }}"}))
    answer = await ann.post("/api/workflows", json=draft)
    assert answer.status_code == 201
    assert [issue["node_id"] for issue in answer.json()["issues"]] == ["a"]
    assert_error(await ann.post(f"/api/workflows/{answer.json()['id']}/execute"), 400, "INVALID_WORKFLOW")


async def test_a_good_file_is_valid_and_nothing_is_stored(ann: httpx.AsyncClient):
    answer = await ann.post("/api/workflows/validate", json=graph("a -> b"))
    assert answer.json() == {"valid": True, "issues": []}
    assert (await ann.get("/api/workflows")).json()["total"] == 0


async def test_several_are_deleted_at_once_but_only_one_s_own(ann: httpx.AsyncClient, bob: httpx.AsyncClient):
    mine, second, other = [(await create(client))["id"] for client in (ann, ann, bob)]
    answer = await ann.post("/api/workflows/bulk-delete", json={"ids": [mine, other, "unheard-of", mine]})
    assert answer.json() == {"deleted": [mine], "not_found": [other, "unheard-of"]}
    assert (await ann.get(f"/api/workflows/{second}")).status_code == 200
    assert (await bob.get(f"/api/workflows/{other}")).status_code == 200


async def test_odd_names_are_kept_as_they_are(ann: httpx.AsyncClient):
    for name in (
        "'; DROP TABLE workflows; --",
        "../../etc",
        "<script>alert(1)</script>",
        "\u202eevil",
        "😀",
        "x" * 200,
    ):
        created = await create(ann, name=name)
        assert (await ann.get(f"/api/workflows/{created['id']}")).json()["name"] == name


async def test_an_odd_id_is_404(ann: httpx.AsyncClient):
    for workflow_id in ("x", "%2e%2e", "a%2Fb", "'", "x" * 2_000, "😀"):
        assert_error(await ann.get(f"/api/workflows/{workflow_id}"), 404)
