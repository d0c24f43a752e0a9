"""Signed tokens (PyJWT, HS256): short access tokens for every request, long refresh tokens to get new ones."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import jwt

from awe_app.domain.errors import Unauthorized
from awe_app.domain.ids import UserId, new_id, utc_now

ISSUER = "awe"
ALGORITHM = "HS256"
MAX_TOKEN_CHARS = 4096
"""Ours are about 350; anything much longer is refused unread."""

MAX_REMEMBERED = 10_000
"""Access tokens that were found genuine; reading one again costs a hundredth."""

Purpose = Literal["awe-access", "awe-refresh"]
REQUIRED = ["exp", "iat", "sub", "aud", "iss", "jti", "sid"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine, unexpired token says."""

    user_id: UserId
    session_id: str
    token_id: str
    """Name of this one token; a refresh token's is its secret."""
    expires_at: datetime


class TokenSigner:
    """Makes and reads tokens. One secret signs both kinds; the audience keeps them apart."""

    def __init__(self, jwt_secret: str) -> None:
        self._secret = jwt_secret
        self._genuine: dict[bytes, Claims] = {}
        """SHA-256 of an access token → what it says. Only that it was ours is remembered, never that it is alive."""

    def access(self, user_id: UserId, session_id: str, expires_at: datetime) -> str:
        """A token that a request carries."""
        return self._sign("awe-access", user_id, session_id, new_id(), expires_at)

    def refresh(self, user_id: UserId, session_id: str, token_id: str, expires_at: datetime) -> str:
        """A token that buys a new pair once; only a hash of ``token_id`` is stored."""
        return self._sign("awe-refresh", user_id, session_id, token_id, expires_at)

    def read_access(self, token: str) -> Claims:
        """The claims of an access token.

        Raises:
            Unauthorized: ``NOT_SIGNED_IN``; it is forged, expired, malformed or of another kind.
        """
        name = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        claims = self._genuine.get(name)
        if claims is None:
            claims = self._read("awe-access", token)
            if len(self._genuine) >= MAX_REMEMBERED:
                self._genuine.pop(next(iter(self._genuine)))
            self._genuine[name] = claims
        elif claims.expires_at <= utc_now():
            del self._genuine[name]
            raise _dead()
        return claims

    def read_refresh(self, token: str) -> Claims:
        """The claims of a refresh token; refuses like ``read_access``."""
        return self._read("awe-refresh", token)

    def _sign(self, purpose: Purpose, user_id: UserId, session_id: str, token_id: str, expires_at: datetime) -> str:
        now = utc_now()
        claims = {
            "iss": ISSUER,
            "aud": purpose,
            "sub": user_id,
            "sid": session_id,
            "jti": token_id,
            "iat": int(now.timestamp()),
            # Rounded up, so that a token never lives shorter than promised.
            "exp": int((expires_at + timedelta(seconds=1, microseconds=-1)).timestamp()),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def _read(self, purpose: Purpose, token: str) -> Claims:
        if not token or len(token) > MAX_TOKEN_CHARS or not token.isascii():
            raise _dead()
        try:
            # The clocks of several hosts differ a little, so a token "from the future" by iat is no forgery.
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=purpose,
                issuer=ISSUER,
                options={"require": REQUIRED, "verify_iat": False, "strict_aud": True},
            )
        except jwt.PyJWTError:
            raise _dead() from None
        session_id = claims["sid"]
        if not isinstance(session_id, str):
            raise _dead()
        expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        return Claims(UserId(claims["sub"]), session_id, claims["jti"], expires_at)


def _dead() -> Unauthorized:
    return Unauthorized("NOT_SIGNED_IN", "You are not signed in, or your sign-in has expired.", "Sign in again.")
