"""Keys with which scripts act for their owner: named, scoped, expiring, shown once."""

import hashlib
import secrets
import time
from collections.abc import Sequence
from datetime import datetime

from awe_app.adapters.api_key_store import ApiKeyStore
from awe_app.domain.accounts import SCOPES, ApiKey, Scope, User
from awe_app.domain.errors import Forbidden, Invalid, Issue, NotFound, Unauthorized
from awe_app.domain.ids import UserId, utc_now

PREFIX = "awe_"
"""What every key begins with, so that scanners of leaked secrets know it."""
MAX_KEYS = 100
FRESH_S = 2.0
"""How long a key that was found alive is believed to be so. Deleting it in this process counts at once."""
MAX_REMEMBERED = 10_000


class ApiKeys:
    """The keys of all users. Only a hash of each is kept: a key has 256 random bits, so a plain SHA-256 will do."""

    def __init__(self, store: ApiKeyStore) -> None:
        self._store = store
        self._alive: dict[str, tuple[ApiKey, User, float]] = {}
        """Hash → key and user, and until when (``time.monotonic``) that is believed without asking the database."""
        self._deletions = 0

    async def list(self, user: User) -> Sequence[ApiKey]:
        """The user's keys, the newest first."""
        return await self._store.of(user.id)

    async def create(
        self, user: User, name: str, scopes: Sequence[str], expires_at: datetime | None
    ) -> tuple[ApiKey, str]:
        """Make a key; gives it and its secret, which nobody can look up later. No scope named: all of them.

        Raises:
            Invalid: ``INVALID_INPUT``, with an issue for each finding; ``TOO_MANY_KEYS``.
        """
        name = name.strip()
        findings = list(_findings(name, scopes, expires_at))
        if findings:
            raise Invalid("INVALID_INPUT", "; ".join(issue.message for issue in findings), issues=tuple(findings))
        if await self._store.count(user.id) >= MAX_KEYS:
            raise Invalid("TOO_MANY_KEYS", f"you have {MAX_KEYS} keys already", "delete one that you do not use")
        chosen = [scope for scope in SCOPES if scope in scopes] or list(SCOPES)
        secret = PREFIX + secrets.token_urlsafe(32)
        return await self._store.add(user.id, name, _hash(secret), secret[-4:], chosen, expires_at), secret

    async def delete(self, user: User, key_id: str) -> None:
        """Take a key away; whoever uses it is refused from now on.

        Raises:
            NotFound: ``API_KEY_NOT_FOUND``, also for other people's.
        """
        try:
            removed = await self._store.remove(user.id, key_id)
        finally:
            self._deletions += 1
            self._alive = {name: known for name, known in self._alive.items() if known[0].id != key_id}
        if not removed:
            raise NotFound("API_KEY_NOT_FOUND", "there is no such key among yours", "GET /api/settings/api-keys")

    def forget(self, user_id: UserId) -> None:
        """All keys of the user were deleted in the database: believe none of them any more."""
        self._deletions += 1
        self._alive = {name: known for name, known in self._alive.items() if known[1].id != user_id}

    async def authenticate(self, secret: str, scope: Scope | None) -> User:
        """Whose key it is; ``scope`` is what it is used for, None what no key may do.

        Raises:
            Unauthorized: ``NOT_SIGNED_IN``, it is unknown, deleted or expired.
            Forbidden: ``SCOPE_MISSING``, it is not for that.
        """
        key, user = await self._find(_hash(secret))
        if key.expires_at is not None and key.expires_at <= utc_now():
            raise _dead()
        if scope is None:
            raise Forbidden("SCOPE_MISSING", "no API key may do this", "sign in with name and password")
        if scope not in key.scopes:
            hint = f"make one with the scope '{scope}'"
            raise Forbidden("SCOPE_MISSING", f"this API key is for {', '.join(key.scopes)} only", hint)
        return user

    async def _find(self, name: str) -> tuple[ApiKey, User]:
        known = self._alive.get(name)
        if known is not None and known[2] > time.monotonic():
            return known[0], known[1]
        deletions = self._deletions
        found = await self._store.use(name)
        if found is None:
            self._alive.pop(name, None)
            raise _dead()
        if deletions == self._deletions:  # else this key may just have been deleted while the database answered
            if len(self._alive) >= MAX_REMEMBERED:
                self._alive.pop(next(iter(self._alive)))
            self._alive[name] = (*found, time.monotonic() + FRESH_S)
        return found


def _findings(name: str, scopes: Sequence[str], expires_at: datetime | None) -> Sequence[Issue]:
    findings = []
    if not 0 < len(name) <= 100 or not name.isprintable():
        findings.append(_issue("name", "give it a name of 1 to 100 characters"))
    if unknown := sorted(set(scopes) - set(SCOPES)):
        findings.append(_issue("scopes", f"{len(unknown)} of them are unknown; known are {', '.join(SCOPES)}"))
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= utc_now()):
        findings.append(_issue("expires_at", "it must be a time to come, with its zone"))
    return findings


def _issue(field: str, rule: str) -> Issue:
    return Issue("error", "INVALID_INPUT", f"{field}: {rule}", field=field)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _dead() -> Unauthorized:
    return Unauthorized("NOT_SIGNED_IN", "This API key is unknown, deleted or expired.", "Make a new one.")
