"""Accounts over REST."""

import httpx
import pytest

from tests.api.answers import assert_error
from tests.api.conftest import PASSWORD, SignUp

ANN = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}


async def test_registering_gives_the_user_and_nothing_secret(stranger: httpx.AsyncClient, awe: object):
    answer = await stranger.post("/api/auth/register", json=ANN)
    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "username", "email", "created_at"}
    assert answer.json()["created_at"].endswith("Z")


async def test_a_taken_name_is_409(stranger: httpx.AsyncClient, ann: httpx.AsyncClient):
    again = await stranger.post("/api/auth/register", json={**ANN, "username": "ANN", "email": "x@example.org"})
    assert_error(again, 409, "USERNAME_TAKEN")
    again = await stranger.post("/api/auth/register", json={**ANN, "username": "other"})
    assert_error(again, 409, "EMAIL_TAKEN")


@pytest.mark.parametrize("password", ["", "short", "x" * 73, "ü" * 40, "x" * 1_000_000], ids=lambda p: p[:3])
async def test_a_password_against_the_rules_is_400_and_named(stranger: httpx.AsyncClient, awe: object, password: str):
    body = assert_error(await stranger.post("/api/auth/register", json={**ANN, "password": password}), 400, "INVALID")
    assert [issue["field"] for issue in body["issues"]] == ["password"]


async def test_signing_in_by_name_and_by_address(stranger: httpx.AsyncClient, ann: httpx.AsyncClient):
    for name in ("ann", "ann@example.org"):
        answer = await stranger.post(
            "/api/auth/login", json={"username": name, "password": PASSWORD, "remember_me": True}
        )
        tokens = answer.json()
        assert answer.status_code == 200
        assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
        assert tokens["token_type"] == "bearer"
        me = await stranger.get("/api/auth/me", headers={"Authorization": f"bearer {tokens['access_token']}"})
        assert me.json() == tokens["user"]


async def test_a_wrong_password_and_an_unknown_user_are_told_the_same(
    stranger: httpx.AsyncClient, ann: httpx.AsyncClient
):
    told = []
    for username, password in (("ann", "wrong password"), ("nobody", "wrong password"), ("ann", "x" * 100)):
        answer = await stranger.post("/api/auth/login", json={"username": username, "password": password})
        told.append({**assert_error(answer, 401), "timestamp": None})
    assert told[0] == told[1] == told[2]


async def test_ten_failures_close_the_account_also_to_who_claims_to_come_from_elsewhere(
    stranger: httpx.AsyncClient, ann: httpx.AsyncClient
):
    for number in range(10):
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        wrong = {"username": "ann", "password": "wrong password"}
        assert_error(await stranger.post("/api/auth/login", json=wrong, headers=headers), 401)
    headers = {"X-Forwarded-For": "192.0.2.99", "X-Real-IP": "192.0.2.99"}
    for username in ("ann", "bob"):
        body = {"username": username, "password": PASSWORD}
        answer = await stranger.post("/api/auth/login", json=body, headers=headers)
        assert_error(answer, 429, "TOO_MANY_FAILURES")
        assert 0 < int(answer.headers["retry-after"]) <= 900


async def test_a_refresh_token_works_once(stranger: httpx.AsyncClient, ann: httpx.AsyncClient):
    first = (await stranger.post("/api/auth/login", json={"username": "ann", "password": PASSWORD})).json()
    second = await stranger.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    assert set(second.json()) == set(first)
    assert_error(await stranger.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]}), 401)
    revoked = await stranger.post("/api/auth/refresh", json={"refresh_token": second.json()["refresh_token"]})
    assert_error(revoked, 401)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "\u0000", None, 0, []], ids=repr)
async def test_what_is_no_refresh_token_is_refused(stranger: httpx.AsyncClient, awe: object, token: object):
    answer = await stranger.post("/api/auth/refresh", json={"refresh_token": token})
    assert answer.status_code in (400, 401)
    assert_error(answer, answer.status_code)


async def test_after_logout_both_tokens_are_dead_and_other_sessions_live(
    stranger: httpx.AsyncClient, ann: httpx.AsyncClient
):
    tokens = (await stranger.post("/api/auth/login", json={"username": "ann", "password": PASSWORD})).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await stranger.get("/api/auth/me", headers=bearer)).status_code == 200
    out = await stranger.post("/api/auth/logout", headers=bearer)
    assert (out.status_code, out.content) == (204, b"")
    assert_error(await stranger.get("/api/auth/me", headers=bearer), 401)
    assert_error(await stranger.post("/api/auth/logout", headers=bearer), 401)
    assert_error(await stranger.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]}), 401)
    assert (await ann.get("/api/auth/me")).status_code == 200


async def test_a_refresh_token_opens_nothing(stranger: httpx.AsyncClient, ann: httpx.AsyncClient):
    tokens = (await stranger.post("/api/auth/login", json={"username": "ann", "password": PASSWORD})).json()
    answer = await stranger.get("/api/auth/me", headers={"Authorization": f"Bearer {tokens['refresh_token']}"})
    assert_error(answer, 401)


async def test_names_that_try_to_be_something_else_do_no_harm(sign_up: SignUp, stranger: httpx.AsyncClient):
    await sign_up("ann")
    for name in ("'; DROP TABLE users; --", "../../etc", "<script>", "an%", "a_n", "\\", "ann\u202e", "x" * 100_000):
        answer = await stranger.post("/api/auth/login", json={"username": name, "password": PASSWORD})
        assert_error(answer, 401)
