"""Parameters, headers and small bodies against the rules are 400, and nothing is done."""

import httpx
import pytest

from tests.api.answers import assert_error
from tests.builders import graph, node

ASKING = graph("start", node("start", "input", {"fields": [{"name": "who", "type": "text", "required": True}]}))


async def store(client: httpx.AsyncClient) -> str:
    return (await client.post("/api/workflows", json=ASKING)).json()["id"]


@pytest.mark.parametrize("address", ["/api/workflows", "/api/executions", "/api/templates"])
async def test_a_wrong_parameter_of_a_list_is_refused(ann: httpx.AsyncClient, address: str):
    for query in (
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1e9",
        "limit=many",
        "limit=",
        "offset=-1",
        "offset=99999999999999999999",
        "sort=hashed_password",
        "sort=name;DROP",
        "sort=--name",
        "owner=somebody",
        "q=" + "x" * 201,
    ):
        assert_error(await ann.get(f"{address}?{query}"), 400, "INVALID")


async def test_an_if_match_that_is_no_version_is_refused(ann: httpx.AsyncClient):
    address = f"/api/workflows/{await store(ann)}"
    for header in (b"", b"x", b'"', b"-1", b"0", b"1.0", b"99999999999", b'"1", "2"', '"\u0661"'.encode()):
        answer = await ann.put(address, json=ASKING, headers={b"If-Match": header})
        assert_error(answer, 400, "INVALID")
    assert (await ann.get(address)).json()["version"] == 1


async def test_a_bulk_delete_of_what_are_no_ids_is_refused(ann: httpx.AsyncClient):
    for ids in (None, "x", [1], ["x" * 101], ["x"] * 1_001, {}):
        assert_error(await ann.post("/api/workflows/bulk-delete", json={"ids": ids}), 400, "INVALID")


async def test_an_execute_that_does_not_fit_starts_nothing(ann: httpx.AsyncClient):
    address = f"/api/workflows/{await store(ann)}/execute"
    good = {"inputs": {"who": "Ann"}}
    for wait in ("-1", "301", "nan", "inf", "long", ""):
        assert_error(await ann.post(f"{address}?wait={wait}", json=good), 400, "INVALID")
    for key in (b"", b"x" * 201, b"caf\xe9", b"tab\there"):
        assert_error(await ann.post(address, json=good, headers={b"Idempotency-Key": key}), 400, "INVALID")
    for body in ([], {"inputs": []}, {"inputs": None}, {"input": {}}):
        assert_error(await ann.post(address, json=body), 400, "INVALID")
    for inputs in ({}, {"who": "Ann", "other": 1}):
        assert_error(await ann.post(address, json={"inputs": inputs}), 400)
    assert_error(await ann.post(address), 400)
    assert (await ann.get("/api/executions")).json()["total"] == 0


async def test_an_after_seq_that_is_no_number_is_refused(ann: httpx.AsyncClient):
    for after_seq in ("-1", "x", "1.5", "9" * 30, ""):
        assert_error(await ann.get(f"/api/executions/x/logs?after_seq={after_seq}"), 400, "INVALID")
