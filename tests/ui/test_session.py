"""Who is signed in: tokens in the browser, renewing them, ways to the sign-in page that lead nowhere else."""

from typing import Any

import pytest

from awe_app.composition import Running
from awe_app.domain.accounts import User
from awe_app.domain.errors import Unauthorized
from awe_app.ui import routes
from awe_app.ui.pages.login import LoginState
from awe_app.ui.pages.register import RegisterState, problems_by_field
from awe_app.ui.session import SessionState
from tests.ui.conftest import PASSWORD, Tab


def tokens_of(tab: Tab) -> str:
    session = tab.state(SessionState)
    return session.remembered or session.until_close


async def answers(handler: Any) -> list[Any]:
    """All that a handler which yields gives to the browser."""
    return [event async for event in handler if event is not None]


def path_of(event: Any) -> str:
    """Where an answer leads."""
    return str({str(name): value for name, value in event.args}["path"]).strip('"')


async def test_nobody_is_signed_in_without_a_token(awe: Running) -> None:
    with pytest.raises(Unauthorized):
        await Tab().state(SessionState).current_user()


async def test_the_holder_of_a_token_is_known_by_name(tab: Tab, user: User) -> None:
    session = tab.state(SessionState)
    assert await session.current_user() == user
    assert session.username == user.username


async def test_an_expired_access_token_is_renewed_and_stays_where_it_was(tab: Tab, user: User) -> None:
    session = tab.state(SessionState)
    before = session.until_close
    session.until_close = f"expired {before.split()[1]}"
    assert await session.current_user() == user
    assert session.until_close != before
    assert session.remembered == ""


async def test_two_tabs_that_renew_at_the_same_moment_both_stay_signed_in(tab: Tab, user: User) -> None:
    other = Tab()
    stale = f"expired {tokens_of(tab).split()[1]}"
    for each in (tab, other):
        each.state(SessionState).until_close = stale
        assert await each.state(SessionState).current_user() == user
    assert tokens_of(tab) == tokens_of(other)


async def test_signing_out_ends_the_session_and_leaves_nothing_in_the_tab(tab: Tab) -> None:
    pair = tokens_of(tab)
    await tab.state(SessionState).sign_out()
    assert tokens_of(tab) == ""
    thief = Tab()
    thief.state(SessionState).until_close = pair
    with pytest.raises(Unauthorized):
        await thief.state(SessionState).current_user()


async def test_signing_in_keeps_the_tokens_for_good_only_when_asked_to(awe: Running, user: User) -> None:
    for remember in (True, False):
        tab = Tab()
        form = {"username": user.username, "password": PASSWORD, **({"remember_me": "on"} if remember else {})}
        events = await answers(tab.state(LoginState).sign_in(form))
        assert path_of(events[-1]) == routes.WORKFLOWS
        assert bool(tab.state(SessionState).remembered) is remember
        assert bool(tab.state(SessionState).until_close) is not remember


async def test_a_wrong_password_is_told_and_keeps_no_token(awe: Running, user: User) -> None:
    tab = Tab()
    await answers(tab.state(LoginState).sign_in({"username": user.username, "password": "something else"}))
    assert "wrong" in tab.state(LoginState).problem
    assert tokens_of(tab) == ""


async def test_registering_signs_in_and_goes_on_to_where_one_wanted(awe: Running) -> None:
    tab = Tab()
    tab.visit("/register")
    state = tab.state(RegisterState)
    state.arrive()
    state._after = "/templates"
    form = {"username": "grace", "email": "grace@example.org", "password": PASSWORD}
    events = await answers(state.create_account(form))
    assert path_of(events[-1]) == "/templates"
    assert (await tab.state(SessionState).current_user()).username == "grace"


async def test_a_taken_name_is_told_beside_the_name(awe: Running, user: User) -> None:
    state = Tab().state(RegisterState)
    form = {"username": user.username, "email": "else@example.org", "password": PASSWORD}
    await answers(state.create_account(form))
    assert {name for name, text in state.problems.items() if text} == {"username"}


async def test_each_broken_rule_is_told_beside_its_field(awe: Running) -> None:
    state = Tab().state(RegisterState)
    await answers(state.create_account({"username": "!", "email": "nowhere", "password": "short"}))
    assert {name for name, text in state.problems.items() if text} == {"username", "email", "password"}


def test_a_refusal_of_no_field_stands_under_the_form() -> None:
    assert problems_by_field(Unauthorized("X", "not now", "later")) == {"form": "Not now later"}


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://example.org",
        "//example.org",
        "/\\example.org",
        "\\\\example.org",
        "javascript:alert(1)",
        "/\tx",
        "",
        "x",
    ],
)
def test_a_way_back_that_leaves_awe_is_not_taken(elsewhere: str) -> None:
    assert routes.local_path(elsewhere) == routes.WORKFLOWS


def test_a_way_back_inside_awe_survives_being_put_into_an_address() -> None:
    assert routes.local_path("/executions/1?x=2&y=3") == "/executions/1?x=2&y=3"
    assert routes.login("/executions/1?x=2&y=3") == "/login?next=/executions/1%3Fx%3D2%26y%3D3"
    assert routes.login("//example.org") == "/login"
