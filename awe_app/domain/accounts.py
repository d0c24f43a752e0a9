"""People, and the tokens they sign in with."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
