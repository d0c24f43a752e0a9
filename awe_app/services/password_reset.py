"""A new password for who forgot the old one, by a link that is mailed."""

import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from urllib.parse import quote

from awe_app.adapters.mail import Mailer
from awe_app.adapters.passwords import hash_password
from awe_app.adapters.reset_store import ResetStore
from awe_app.adapters.throttle import Quota
from awe_app.domain.errors import Invalid, Issue
from awe_app.domain.ids import UserId, utc_now
from awe_app.services.accounts import password_problem

logger = logging.getLogger(__name__)

LIFETIME = timedelta(hours=1)
MAILS = 3
"""To one account in a quarter of an hour."""
ASKED = 20
"""By one network address in a quarter of an hour."""


class PasswordReset:
    """Mails links, and lets each be used once."""

    def __init__(
        self, store: ResetStore, forget: Sequence[Callable[[UserId], None]], mailer: Mailer, public_url: str
    ) -> None:
        """``forget``: whoever remembers sign-ins and keys of a user, and must not any more."""
        self._store = store
        self._forget = forget
        self._mailer = mailer
        self._public_url = public_url.rstrip("/")
        self._mails, self._asked = Quota(MAILS), Quota(ASKED)

    async def ask(self, email: str, address: str | None = None) -> None:
        """Mail a link to the account with that address, if there is one.

        Whoever asks is answered before this is called: neither the answer nor its time tells which accounts exist.
        """
        if address is not None and not self._asked.take(address):
            return
        user = await self._store.user_of(email.strip()) if email.isprintable() else None
        if user is None or not self._mails.take(user.id):
            return
        token = secrets.token_urlsafe(32)
        await self._store.add(user.id, _hash(token), utc_now() + LIFETIME)
        link = f"{self._public_url}/reset-password?token={quote(token)}"
        text = (
            f"Hello {user.username},\n\nsomebody, you we hope, asked for a new password for AWE. Choose it here:\n\n"
            f"{link}\n\nThe link works once, for an hour. If it was not you, there is nothing to do.\n"
        )
        await self._mailer.send(user.email, "A new password for AWE", text)

    async def reset(self, token: str, new_password: str) -> None:
        """Set the password by a link's token. Every sign-in and every API key of the account is dead from then on.

        Raises:
            Invalid: ``INVALID_TOKEN``, it is unknown, used or too old; ``INVALID``, the password breaks the rules.
        """
        if (problem := password_problem(new_password)) is not None:
            issue = Issue("error", "INVALID", f"new_password: {problem}", field="new_password")
            raise Invalid("INVALID", issue.message, issues=(issue,))
        name = _hash(token)
        if not await self._store.is_good(name):  # before the hash is made: it costs a quarter of a second
            raise _no_good()
        user_id = await self._store.use(name, await hash_password(new_password))
        if user_id is None:
            raise _no_good()
        for forget in self._forget:
            forget(user_id)
        logger.info("user %s has a new password by a mailed link", user_id)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _no_good() -> Invalid:
    detail = "This link has been used already, or is older than an hour."
    return Invalid("INVALID_TOKEN", detail, "Ask for a new one.")
