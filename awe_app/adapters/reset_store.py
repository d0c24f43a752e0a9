"""Links to choose a new password, in the database: only their hashes."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlmodel import col

from awe_app.adapters.db import Database
from awe_app.adapters.storable import match_key
from awe_app.adapters.tables import ApiKeyRow, PasswordResetTokenRow, SessionRow, UserRow
from awe_app.adapters.user_store import user_of
from awe_app.domain.accounts import User
from awe_app.domain.ids import UserId, new_id, utc_now

_Token = PasswordResetTokenRow


class ResetStore:
    """Each link is used once, and the newest one of a user is the only one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def user_of(self, email: str) -> User | None:
        """The account with that e-mail address, whatever its case."""
        async with self._database.sessions() as session:
            row = await session.scalar(select(UserRow).where(col(UserRow.email_key) == match_key(email)))
        return user_of(row) if row is not None else None

    async def add(self, user_id: UserId, token_hash: str, expires_at: datetime) -> None:
        """Keep a link; those before it are dead."""
        row = _Token(id=new_id(), user_id=user_id, token=token_hash, expires_at=expires_at, created_at=utc_now())
        async with self._database.sessions.begin() as session:
            await session.execute(delete(_Token).where(col(_Token.user_id) == user_id))
            session.add(row)

    async def is_good(self, token_hash: str) -> bool:
        """True while the link can be used."""
        good = select(col(_Token.id)).where(
            col(_Token.token) == token_hash, col(_Token.used).is_(False), col(_Token.expires_at) > utc_now()
        )
        async with self._database.sessions() as session:
            return await session.scalar(good) is not None

    async def use(self, token_hash: str, password_hash: str) -> UserId | None:
        """Set the password, end every session and drop every API key of the user, all or nothing.

        Gives whose it was, or None when the link is used, too old or unknown: of two at once, one counts.
        """
        now = utc_now()
        spend = (
            update(_Token)
            .where(col(_Token.token) == token_hash, col(_Token.used).is_(False), col(_Token.expires_at) > now)
            .values(used=True)
            .returning(col(_Token.user_id))
        )
        async with self._database.sessions.begin() as session:
            user_id = await session.scalar(spend)
            if user_id is None:
                return None
            await session.execute(update(UserRow).where(col(UserRow.id) == user_id).values(password_hash=password_hash))
            await session.execute(
                update(SessionRow)
                .where(col(SessionRow.user_id) == user_id, col(SessionRow.revoked_at).is_(None))
                .values(revoked_at=now)
            )
            await session.execute(delete(ApiKeyRow).where(col(ApiKeyRow.user_id) == user_id))
        return UserId(user_id)
