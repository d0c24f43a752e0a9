"""People, and the tokens they sign in with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from awe_app.domain.ids import UserId, iso


@dataclass(frozen=True, slots=True)
class User:
    """An account as others may see it; no secret is in here."""

    id: UserId
    username: str
    email: str
    created_at: datetime

    def as_json(self) -> dict[str, Any]:
        """The user as REST shows them."""
        return {"id": self.id, "username": self.username, "email": self.email, "created_at": iso(self.created_at)}


Scope = Literal["read", "run", "edit"]
"""What an API key may be used for: to look, to run workflows and answer them, to change things. None holds another."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key for scripts, as its owner sees it; the key itself is shown once, when it is made."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    last4: str
    created_at: datetime
    expires_at: datetime | None
    """None: it does not expire."""
    last_used_at: datetime | None
    """To the minute; None: never."""

    def as_json(self) -> dict[str, Any]:
        """The key as REST lists it."""
        return {
            "id": self.id,
            "name": self.name,
            "scopes": list(self.scopes),
            "key_last4": self.last4,
            "created_at": iso(self.created_at),
            "expires_at": iso(self.expires_at),
            "last_used_at": iso(self.last_used_at),
        }


@dataclass(frozen=True, slots=True)
class Tokens:
    """What signing in gives."""

    access_token: str
    refresh_token: str
    expires_in: int
    """Seconds until the access token expires."""
    user: User

    def as_json(self) -> dict[str, Any]:
        """The answer of ``POST /api/auth/login``."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "token_type": "bearer",
            "expires_in": self.expires_in,
            "user": self.user.as_json(),
        }
