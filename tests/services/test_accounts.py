"""Registering, signing in and out, on a real SQLite and a real PostgreSQL."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from awe_app.adapters import passwords
from awe_app.adapters.db import Database
from awe_app.adapters.tokens import TokenSigner
from awe_app.adapters.user_store import UserStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict, Invalid, TooMany, Unauthorized
from awe_app.domain.ids import utc_now
from awe_app.services import accounts as accounts_module
from awe_app.services.accounts import Accounts

SECRET = "k3yk3yk3yk3yk3yk3yk3yk3yk3yk3yk3"
PASSWORD = "correct horse"


@pytest.fixture
def accounts(database: Database, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    return Accounts(UserStore(database), TokenSigner(SECRET))


@pytest.fixture
async def ann(accounts: Accounts) -> User:
    return await accounts.register("Ann", "Ann@Example.org", PASSWORD)


async def test_who_registered_can_sign_in_by_name_or_address_in_any_case(accounts: Accounts, ann: User):
    for name in ("Ann", "ann", " ANN ", "ann@example.org", "ANN@EXAMPLE.ORG"):
        tokens = await accounts.login(name, PASSWORD)
        assert tokens.user == ann
        assert await accounts.authenticate(tokens.access_token) == ann


@pytest.mark.parametrize(
    ("username", "email", "password", "fields"),
    [
        ("an", "a@b.org", PASSWORD, {"username"}),
        ("a" * 51, "a@b.org", PASSWORD, {"username"}),
        ("ann smith", "a@b.org", PASSWORD, {"username"}),
        ("ann\n", "a@b.org", PASSWORD, {"username"}),
        ("a\u0301nn", "a@b.org", PASSWORD, {"username"}),
        ("ann", "", PASSWORD, {"email"}),
        ("ann", "a@b", PASSWORD, {"email"}),
        ("ann", "\uff41dmin@b.org", PASSWORD, {"email"}),
        ("ann", '"x" <a@b.org>, evil@x.org', PASSWORD, {"email"}),
        ("ann", "a@b.org\r\nBcc: c@d.org", PASSWORD, {"email"}),
        ("ann", "a@b.org", "short", {"password"}),
        ("ann", "a@b.org", "", {"password"}),
        ("ann", "a@b.org", "x" * 73, {"password"}),
        ("ann", "a@b.org", "ü" * 40, {"password"}),
        ("ann", "a@b.org", "nul\0nul\0nul", {"password"}),
        ("ann", "a@b.org", "\ud800" * 9, {"password"}),
        ("", "", "", {"username", "email", "password"}),
    ],
)
async def test_a_registration_against_the_rules_names_every_wrong_field(
    accounts: Accounts, username: str, email: str, password: str, fields: set[str]
):
    with pytest.raises(Invalid) as refusal:
        await accounts.register(username, email, password)
    assert {issue.field for issue in refusal.value.issues} == fields
    assert all(field in refusal.value.detail for field in fields)


async def test_a_name_or_address_is_taken_whatever_its_case(accounts: Accounts, ann: User):
    with pytest.raises(Conflict, match="USERNAME_TAKEN"):
        await accounts.register("aNN", "other@example.org", PASSWORD)
    with pytest.raises(Conflict, match="EMAIL_TAKEN"):
        await accounts.register("other", "ANN@example.ORG", PASSWORD)


async def test_an_unknown_user_and_a_wrong_password_are_told_the_same(accounts: Accounts, ann: User):
    tries = [
        ("ann", "wrong password"),
        ("nobody", PASSWORD),
        ("", ""),
        ("a\0b", "x\0"),
        ("\ud800", "\ud800"),
        ("ann", "x" * 99),
    ]
    told = set()
    for username, password in tries:
        with pytest.raises(Unauthorized) as refusal:
            await accounts.login(username, password)
        told.add((refusal.value.code, refusal.value.detail, refusal.value.hint))
    assert len(told) == 1


async def test_an_account_is_closed_to_guesses_after_ten_failures_by_name_and_address_together(
    accounts: Accounts, ann: User
):
    for _ in range(5):
        for name in ("ann", "ann@example.org"):
            with pytest.raises(Unauthorized):
                await accounts.login(name, "wrong password")
    with pytest.raises(TooMany):
        await accounts.login("ann", PASSWORD)


async def test_an_unknown_name_is_closed_after_ten_failures_too(accounts: Accounts):
    for _ in range(10):
        with pytest.raises(Unauthorized):
            await accounts.login("nobody", "wrong password")
    with pytest.raises(TooMany):
        await accounts.login("NOBODY", "wrong password")


async def test_an_address_is_closed_after_ten_failures_whatever_the_names(accounts: Accounts, ann: User):
    for number in range(10):
        with pytest.raises(Unauthorized):
            await accounts.login(f"user{number}", "wrong password", address="192.0.2.1")
    with pytest.raises(TooMany):
        await accounts.login("ann", PASSWORD, address="192.0.2.1")
    assert await accounts.login("ann", PASSWORD, address="192.0.2.2")


async def test_a_success_lets_the_account_s_failures_be_forgotten(accounts: Accounts, ann: User):
    for _ in range(2):
        for _ in range(9):
            with pytest.raises(Unauthorized):
                await accounts.login("ann", "wrong password")
        await accounts.login("ann", PASSWORD)


async def test_refreshing_gives_a_new_pair_and_the_old_access_token_lives_on(accounts: Accounts, ann: User):
    first = await accounts.login("ann", PASSWORD)
    second = await accounts.refresh(first.refresh_token)
    assert second.refresh_token != first.refresh_token
    assert await accounts.authenticate(first.access_token) == ann
    assert await accounts.authenticate(second.access_token) == ann


async def test_a_refresh_token_that_comes_twice_ends_the_whole_session(accounts: Accounts, ann: User):
    first = await accounts.login("ann", PASSWORD)
    other = await accounts.login("ann", PASSWORD)
    second = await accounts.refresh(first.refresh_token)
    for dead in (first.refresh_token, second.refresh_token):
        with pytest.raises(Unauthorized):
            await accounts.refresh(dead)
    with pytest.raises(Unauthorized):
        await accounts.authenticate(second.access_token)
    assert await accounts.authenticate(other.access_token) == ann


async def test_of_two_refreshes_at_once_one_wins_and_the_session_is_over(accounts: Accounts, ann: User):
    tokens = await accounts.login("ann", PASSWORD)
    both = await asyncio.gather(*(accounts.refresh(tokens.refresh_token) for _ in range(2)), return_exceptions=True)
    assert sum(isinstance(result, Unauthorized) for result in both) >= 1
    with pytest.raises(Unauthorized):
        await accounts.authenticate(tokens.access_token)


async def test_a_refresh_token_nobody_signed_does_not_end_the_session(accounts: Accounts, ann: User):
    tokens = await accounts.login("ann", PASSWORD)
    claims = TokenSigner(SECRET).read_refresh(tokens.refresh_token)
    forged = TokenSigner("another-secret-of-at-least-32-bytes").refresh(
        ann.id, claims.session_id, "guess", utc_now() + timedelta(hours=1)
    )
    with pytest.raises(Unauthorized):
        await accounts.refresh(forged)
    assert await accounts.refresh(tokens.refresh_token)


async def test_an_access_token_does_not_refresh_and_a_refresh_token_does_not_open(accounts: Accounts, ann: User):
    tokens = await accounts.login("ann", PASSWORD)
    with pytest.raises(Unauthorized):
        await accounts.refresh(tokens.access_token)
    with pytest.raises(Unauthorized):
        await accounts.authenticate(tokens.refresh_token)


async def test_after_logout_both_tokens_are_dead_at_once_although_they_were_just_used(accounts: Accounts, ann: User):
    tokens, other = await accounts.login("ann", PASSWORD), await accounts.login("ann", PASSWORD)
    await accounts.authenticate(tokens.access_token)
    await accounts.logout(tokens.access_token)
    for refused in (
        accounts.authenticate(tokens.access_token),
        accounts.refresh(tokens.refresh_token),
        accounts.logout(tokens.access_token),
    ):
        with pytest.raises(Unauthorized):
            await refused
    assert await accounts.authenticate(other.access_token) == ann


async def test_a_logout_elsewhere_is_noticed_when_what_was_remembered_is_old(
    accounts: Accounts, ann: User, database: Database, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(accounts_module, "FRESH_S", 0.0)
    tokens = await accounts.login("ann", PASSWORD)
    await accounts.authenticate(tokens.access_token)
    await Accounts(UserStore(database), TokenSigner(SECRET)).logout(tokens.access_token)
    with pytest.raises(Unauthorized):
        await accounts.authenticate(tokens.access_token)


async def test_the_token_of_a_deleted_user_is_dead(accounts: Accounts, ann: User, database: Database):
    tokens = await accounts.login("ann", PASSWORD)
    async with database.sessions.begin() as session:
        await session.execute(text("DELETE FROM sessions"))
        await session.execute(text("DELETE FROM users"))
    with pytest.raises(Unauthorized):
        await accounts.authenticate(tokens.access_token)


async def test_remember_me_keeps_the_session_for_thirty_days_instead_of_one(accounts: Accounts, ann: User):
    for remember_me, days in ((True, 30), (False, 1)):
        tokens = await accounts.login("ann", PASSWORD, remember_me)
        ends_at = TokenSigner(SECRET).read_refresh(tokens.refresh_token).expires_at
        assert abs(ends_at - utc_now() - timedelta(days=days)) < timedelta(minutes=1)
        assert 1790 <= tokens.expires_in <= 1800


async def test_neither_passwords_nor_refresh_tokens_are_stored(accounts: Accounts, ann: User, database: Database):
    tokens = await accounts.login("ann", PASSWORD)
    secret = TokenSigner(SECRET).read_refresh(tokens.refresh_token).token_id
    async with database.sessions.begin() as session:
        rows = [
            *await session.execute(text("SELECT * FROM users")),
            *await session.execute(text("SELECT * FROM sessions")),
        ]
    stored = repr(rows)
    assert PASSWORD not in stored
    assert secret not in stored
    assert tokens.refresh_token not in stored


async def test_the_readiness_check_says_no_when_the_database_is_gone(accounts: Accounts, database: Database):
    assert await accounts.storage_answers() is True
    async with database.sessions.begin() as session:
        await session.execute(text("ALTER TABLE users RENAME TO gone"))
    assert await accounts.storage_answers() is False
