"""Errors: one form, no echo, no internals."""

import logging

import httpx
import pytest
from fastapi import FastAPI

from awe_app.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Issue,
    NodeFailed,
    NotFound,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
)
from tests.api.answers import assert_error

CANARY = "c4n4ry-value"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("GONE", "no"), 404, "GONE"),
        (Unauthorized("WHO", "no"), 401, "WHO"),
        (Forbidden("NOT_YOU", "no"), 403, "NOT_YOU"),
        (Conflict("STALE", "no"), 409, "STALE"),
        (Invalid("BAD", "no"), 400, "BAD"),
        (TooLarge("BIG", "no"), 413, "BIG"),
        (TooMany("OFTEN", "no", 7), 429, "OFTEN"),
        (Unavailable("DOWN", "no"), 503, "DOWN"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_every_error_of_the_tree_has_its_status(
    api: FastAPI, stranger: httpx.AsyncClient, error: Exception, status: int, code: str
):
    async def fail() -> None:
        raise error

    api.router.routes.insert(0, _route(fail))
    answer = await stranger.get("/api/fail")
    assert_error(answer, status, code)
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


async def test_the_detail_says_what_is_wrong_and_how_to_mend_it_and_lists_the_issues(
    api: FastAPI, stranger: httpx.AsyncClient
):
    issue = Issue("error", "CYCLE", "a and b form a cycle", "a", "edges")

    async def fail() -> None:
        raise Invalid("INVALID_WORKFLOW", "there is a cycle", "use a loop node", (issue,))

    api.router.routes.insert(0, _route(fail))
    body = assert_error(await stranger.get("/api/fail"), 400)
    assert body["detail"] == "there is a cycle. use a loop node."
    assert body["issues"] == [issue.as_json()]


@pytest.mark.parametrize("error", [RuntimeError(CANARY), NodeFailed("X", CANARY), KeyError(CANARY)], ids=str)
async def test_what_nobody_foresaw_is_logged_in_full_and_answered_with_nothing(
    api: FastAPI, stranger: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, error: Exception
):
    async def fail() -> None:
        raise error

    api.router.routes.insert(0, _route(fail))
    with caplog.at_level(logging.ERROR):
        answer = await stranger.get("/api/fail")
    assert_error(answer, 500, "INTERNAL_ERROR")
    assert CANARY not in answer.text
    assert CANARY in caplog.text
    assert "Traceback" in caplog.text


async def test_a_wrong_body_names_the_fields_and_repeats_no_value(stranger: httpx.AsyncClient):
    wrong = {"username": [CANARY], "password": {"deep": CANARY}, "role": CANARY, f"{CANARY} {CANARY}": 1}
    answer = await stranger.post("/api/auth/register", json=wrong)
    body = assert_error(answer, 400, "INVALID")
    assert CANARY not in answer.text
    assert {issue["field"] for issue in body["issues"]} == {"username", "email", "password", "role", "?"}
    assert "email: it is required." in body["detail"]


@pytest.mark.parametrize("body", [[], "text", 7, None, True], ids=repr)
async def test_a_body_that_is_no_object_is_refused(stranger: httpx.AsyncClient, body: object):
    assert_error(await stranger.post("/api/auth/login", json=body), 400, "INVALID")


async def test_a_missing_body_is_refused(stranger: httpx.AsyncClient):
    assert_error(await stranger.post("/api/auth/login"), 400, "INVALID")


@pytest.mark.parametrize("address", ["/api", "/api/", "/api/nothing", "/api/v1/nothing", "/api/v1", "/api/auth/me/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_an_unknown_address_is_404_for_every_method(stranger: httpx.AsyncClient, method: str, address: str):
    assert_error(await stranger.request(method, address), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("PATCH", "/api/workflows", {"GET", "POST"}),
        ("POST", "/api/workflows/x", {"GET", "PUT", "DELETE"}),
        ("GET", "/api/v1/auth/login", {"POST"}),
        ("DELETE", "/health", {"GET"}),
        ("OPTIONS", "/api/nodes", {"GET"}),
    ],
)
async def test_a_wrong_method_is_405_and_says_what_is_allowed(
    stranger: httpx.AsyncClient, method: str, address: str, allowed: set[str]
):
    answer = await stranger.request(method, address)
    assert_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert set(answer.headers["allow"].split(", ")) == allowed


def _route(endpoint):
    from fastapi.routing import APIRoute

    return APIRoute("/api/fail", endpoint)
