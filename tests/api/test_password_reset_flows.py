"""A forgotten password: the link that is mailed, and what is dead afterwards."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP

from awe_app.adapters.mail import Mailer
from awe_app.composition import Running
from tests.api.answers import assert_error
from tests.api.conftest import PASSWORD

NEW = "a better password"


class Letterbox(Message):
    """Keeps every mail that a real SMTP server on this machine takes."""

    def __init__(self) -> None:
        super().__init__(EmailMessage)
        self.mails: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)


@pytest.fixture
async def letterbox(awe: Running, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Letterbox]:
    box = Letterbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
    mailer = Mailer(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}?from=awe@example.org")
    monkeypatch.setattr(awe.services.password_reset, "_mailer", mailer)
    yield box
    server.close()
    await server.wait_closed()


def token_in(mail: Any) -> str:
    found = re.search(r"http://localhost:8000/reset-password\?token=(\S+)", mail.get_payload(decode=True).decode())
    assert found is not None
    return found[1]


async def ask(client: httpx.AsyncClient, email: str = "ann@example.org") -> None:
    answer = await client.post("/api/auth/forgot-password", json={"email": email})
    assert answer.status_code == 202
    assert answer.json() == {"detail": "If there is an account with this address, a link is on its way."}


async def test_a_mailed_link_sets_a_new_password_and_ends_every_sign_in_and_key(
    letterbox: Letterbox, ann: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    login = {"username": "ann", "password": PASSWORD}
    signed_in = (await stranger.post("/api/auth/login", json=login)).json()
    key = (await ann.post("/api/settings/api-keys", json={"name": "script"})).json()["key"]
    assert (await stranger.get("/api/workflows", headers={"Authorization": f"Bearer {key}"})).status_code == 200
    await ask(stranger, "Ann@Example.org")
    (mail,) = letterbox.mails
    assert (mail["To"], mail["From"]) == ("ann@example.org", "awe@example.org")
    given = {"token": token_in(mail), "new_password": NEW}
    assert (await stranger.post("/api/auth/reset-password", json=given)).status_code == 204
    assert_error(await ann.get("/api/auth/me"), 401, "NOT_SIGNED_IN")
    refresh = {"refresh_token": signed_in["refresh_token"]}
    assert_error(await stranger.post("/api/auth/refresh", json=refresh), 401, "NOT_SIGNED_IN")
    refused = await stranger.get("/api/workflows", headers={"Authorization": f"Bearer {key}"})
    assert_error(refused, 401, "NOT_SIGNED_IN")
    assert (await stranger.post("/api/auth/login", json=login)).status_code == 401
    assert (await stranger.post("/api/auth/login", json={**login, "password": NEW})).status_code == 200


async def test_a_link_works_once_and_only_the_newest_one(
    letterbox: Letterbox, ann: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await ask(stranger)
    await ask(stranger)
    old, new = (token_in(mail) for mail in letterbox.mails)
    for token, status in ((old, 400), (new, 204), (new, 400)):
        answer = await stranger.post("/api/auth/reset-password", json={"token": token, "new_password": NEW})
        assert answer.status_code == status
        if status == 400:
            assert_error(answer, 400, "INVALID_TOKEN")


async def test_of_two_who_use_a_link_at_once_one_counts(
    letterbox: Letterbox, ann: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await ask(stranger)
    token = token_in(letterbox.mails[0])
    bodies = [{"token": token, "new_password": f"{NEW} {n}"} for n in range(4)]
    answers = await asyncio.gather(*(stranger.post("/api/auth/reset-password", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [204, 400, 400, 400]


async def test_a_password_that_will_not_do_leaves_the_link_good(
    letterbox: Letterbox, ann: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await ask(stranger)
    token = token_in(letterbox.mails[0])
    short = await stranger.post("/api/auth/reset-password", json={"token": token, "new_password": "short"})
    assert_error(short, 400, "INVALID")
    assert "short" not in short.text
    assert (
        await stranger.post("/api/auth/reset-password", json={"token": token, "new_password": NEW})
    ).status_code == 204


async def test_nobody_learns_whether_there_is_such_an_account_and_no_account_is_flooded(
    letterbox: Letterbox, ann: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await ask(stranger, "nobody@example.org")
    await ask(stranger, "not an address")
    assert letterbox.mails == []
    for _ in range(5):
        await ask(stranger)
    assert len(letterbox.mails) == 3


async def test_without_a_mail_server_the_link_stands_in_the_log(
    ann: httpx.AsyncClient, stranger: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await ask(stranger)
    assert "/reset-password?token=" in caplog.text


async def test_a_mail_server_that_is_away_is_no_error_to_who_asks(
    awe: Running, ann: httpx.AsyncClient, stranger: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    awe.services.password_reset._mailer = Mailer("smtp://user:hush@127.0.0.1:9")
    await ask(stranger)
    assert "could not be sent" in caplog.text
    assert "hush" not in caplog.text
    assert "token=" not in caplog.text
