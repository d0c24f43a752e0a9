"""Who somebody is: registering, signing in and out, and recognising a token."""

import hashlib
import hmac
import logging
import re
import secrets
import time
from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email

from awe_app.adapters.passwords import MAX_BYTES, dummy_verify, hash_password, verify_password
from awe_app.adapters.throttle import Throttle
from awe_app.adapters.tokens import TokenSigner
from awe_app.adapters.user_store import UserStore
from awe_app.domain.accounts import Tokens, User
from awe_app.domain.errors import Invalid, Issue, Unauthorized
from awe_app.domain.ids import UserId, utc_now

ACCESS_LIFETIME = timedelta(minutes=30)
SESSION_LIFETIME = timedelta(hours=24)
REMEMBERED_LIFETIME = timedelta(days=30)

logger = logging.getLogger(__name__)

USERNAME = re.compile(r"[A-Za-z0-9_.-]{3,50}")
MIN_PASSWORD_CHARS = 8
MAX_NAME_CHARS = 320
"""Longer than any user name or e-mail address."""

FRESH_S = 2.0
"""How long a session that was found alive is believed to be so. A log-out in this process counts at once."""
MAX_REMEMBERED = 10_000


class Accounts:
    """Accounts and their sessions. A session ends by log-out, by time, or when a used refresh token comes again."""

    def __init__(self, users: UserStore, signer: TokenSigner, throttle: Throttle | None = None) -> None:
        self._users = users
        self._signer = signer
        self._throttle = throttle or Throttle()
        self._alive: dict[str, tuple[User, float]] = {}
        """Session → user, and until when (``time.monotonic``) that is believed without asking the database."""
        self._endings = 0

    async def register(self, username: str, email: str, password: str) -> User:
        """Make an account.

        Raises:
            Invalid: what was given breaks the rules; ``issues`` names each field.
            Conflict: ``USERNAME_TAKEN`` or ``EMAIL_TAKEN``.
        """
        address = _check_registration(username, email, password)
        return await self._users.add(username, address, await hash_password(password))

    async def login(
        self, username: str, password: str, remember_me: bool = False, address: str | None = None
    ) -> Tokens:
        """Open a session. ``username`` may be the e-mail; ``address`` is where the try comes from, if known.

        Raises:
            Unauthorized: ``WRONG_CREDENTIALS``; the same for an unknown user and a wrong password.
            TooMany: ten failures in a quarter of an hour, of this account or from this address.
        """
        name = username.strip()
        searchable = 0 < len(name) <= MAX_NAME_CHARS and name.isprintable()
        found = await self._users.credentials(name) if searchable else None
        # By id, so that trying name and e-mail in turn does not double the tries; made-up names count like real ones.
        account = f"account:{found[0].id}" if found else f"name:{_digest(name.casefold())}"
        keys = (account,) if address is None else (account, f"address:{address}")
        async with self._throttle.attempt(*keys):
            if found is None:
                await dummy_verify(password)
            if found is None or not await verify_password(password, found[1]):
                raise Unauthorized(
                    "WRONG_CREDENTIALS", "User name or password is wrong.", "Check both, or register first."
                )
        self._throttle.forget(account)
        user = found[0]
        ends_at = utc_now() + (REMEMBERED_LIFETIME if remember_me else SESSION_LIFETIME)
        token_id = secrets.token_urlsafe(32)
        session_id = await self._users.open_session(user.id, _digest(token_id), ends_at)
        return self._tokens(user, session_id, token_id, ends_at)

    async def refresh(self, refresh_token: str) -> Tokens:
        """A new pair for a refresh token, which is dead from then on.

        A token that was used before ends the whole session: one of the two who have it is a thief.

        Raises:
            Unauthorized: the token is dead, or not a refresh token.
        """
        claims = self._signer.read_refresh(refresh_token)
        session = await self._users.session(claims.session_id)
        if session is None:
            raise _signed_out()
        user, stored, ends_at = session
        given, token_id = _digest(claims.token_id), secrets.token_urlsafe(32)
        if not hmac.compare_digest(given, stored) or not await self._users.rotate_session(
            claims.session_id, given, _digest(token_id)
        ):
            await self._end(claims.session_id)
            raise _signed_out()
        return self._tokens(user, claims.session_id, token_id, ends_at)

    async def logout(self, access_token: str) -> None:
        """End the session: its access and refresh tokens are dead.

        Raises:
            Unauthorized: it was dead before.
        """
        await self.authenticate(access_token)
        await self._end(self._signer.read_access(access_token).session_id)

    async def authenticate(self, access_token: str) -> User:
        """Who sent this access token.

        Raises:
            Unauthorized: ``NOT_SIGNED_IN``.
        """
        claims = self._signer.read_access(access_token)
        known = self._alive.get(claims.session_id)
        if known is not None and known[1] > time.monotonic():
            user = known[0]
        else:
            user = await self._ask(claims.session_id)
        if user.id != claims.user_id:
            raise _signed_out()
        return user

    def forget(self, user_id: UserId) -> None:
        """All sign-ins of the user were ended in the database: believe none of them any more."""
        self._endings += 1
        self._alive = {name: known for name, known in self._alive.items() if known[0].id != user_id}

    async def storage_answers(self) -> bool:
        """Ask the database something small, for the readiness check."""
        try:
            await self._users.by_id(UserId("nobody"))
        except Exception:  # whatever is wrong with it (gone, renamed, not migrated), the answer is no
            logger.warning("the database does not answer", exc_info=True)
            return False
        return True

    async def _ask(self, session_id: str) -> User:
        endings = self._endings
        session = await self._users.session(session_id)
        if session is None:
            self._alive.pop(session_id, None)
            raise _signed_out()
        if endings == self._endings:  # else this session may just have been ended while the database answered
            if len(self._alive) >= MAX_REMEMBERED:
                self._alive.pop(next(iter(self._alive)))
            self._alive[session_id] = (session[0], time.monotonic() + FRESH_S)
        return session[0]

    async def _end(self, session_id: str) -> None:
        try:
            await self._users.close_session(session_id)
        finally:
            self._endings += 1
            self._alive.pop(session_id, None)

    def _tokens(self, user: User, session_id: str, token_id: str, ends_at: datetime) -> Tokens:
        now = utc_now()
        access_until = min(now + ACCESS_LIFETIME, ends_at)
        access = self._signer.access(user.id, session_id, access_until)
        refresh = self._signer.refresh(user.id, session_id, token_id, ends_at)
        return Tokens(access, refresh, max(0, round((access_until - now).total_seconds())), user)


def _check_registration(username: str, email: str, password: str) -> str:
    """The e-mail address in its normal form; all findings at once."""
    findings: list[Issue] = []
    if not USERNAME.fullmatch(username):
        findings.append(
            _finding("username", "it must have 3 to 50 characters: letters (A-Z), digits, dot, hyphen, underscore.")
        )
    address = _normal_email(email)
    if address is None:
        findings.append(_finding("email", "it is no e-mail address such as name@example.org."))
    if (problem := password_problem(password)) is not None:
        findings.append(_finding("password", problem))
    if findings or address is None:
        raise Invalid("INVALID", " ".join(issue.message for issue in findings), issues=tuple(findings))
    return address


def password_problem(password: str) -> str | None:
    """What is wrong with a new password; None when it will do."""
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        size = MAX_BYTES + 1
    if len(password) < MIN_PASSWORD_CHARS or size > MAX_BYTES:
        return f"it must have at least {MIN_PASSWORD_CHARS} characters and at most {MAX_BYTES} bytes."
    return "it may not hold a NUL character." if "\0" in password else None


def _normal_email(email: str) -> str | None:
    try:
        # Addresses inside a company (name@host.local) are as good as public ones; look-alike letters are not.
        checked = validate_email(
            email.strip(), check_deliverability=False, globally_deliverable=False, allow_smtputf8=False
        )
    except EmailNotValidError:
        return None
    return checked.normalized if "." in checked.domain else None


def _finding(field: str, rule: str) -> Issue:
    return Issue("error", "INVALID", f"{field}: {rule}", field=field)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _signed_out() -> Unauthorized:
    return Unauthorized("NOT_SIGNED_IN", "You are not signed in, or your sign-in has expired.", "Sign in again.")
