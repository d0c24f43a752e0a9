"""Accounts and sign-ins in the database."""

from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from awe_app.adapters.db import Database
from awe_app.adapters.storable import match_key
from awe_app.adapters.tables import SessionRow, UserRow
from awe_app.domain.accounts import User
from awe_app.domain.errors import Conflict
from awe_app.domain.ids import UserId, new_id, utc_now


class UserStore:
    """Accounts, found by id, name or e-mail whatever the case, and their sessions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, username: str, email: str, password_hash: str) -> User:
        """Make an account.

        Raises:
            Conflict: ``USERNAME_TAKEN`` or ``EMAIL_TAKEN``, also when only the case differs.
        """
        row = UserRow(
            id=new_id(),
            username=username,
            username_key=match_key(username),
            email=email,
            email_key=match_key(email),
            password_hash=password_hash,
            created_at=utc_now(),
        )
        user = user_of(row)
        try:
            async with self._database.sessions.begin() as session:
                session.add(row)
        except IntegrityError as error:
            async with self._database.sessions() as session:
                same_name = select(col(UserRow.id)).where(col(UserRow.username_key) == match_key(username))
                name_taken = await session.scalar(same_name)
            if name_taken:
                raise Conflict("USERNAME_TAKEN", "this user name is taken: choose another one") from error
            raise Conflict("EMAIL_TAKEN", "there is an account with this e-mail address: sign in instead") from error
        return user

    async def by_id(self, user_id: UserId) -> User | None:
        """The account, or None."""
        async with self._database.sessions() as session:
            row = await session.get(UserRow, user_id)
        return row and user_of(row)

    async def credentials(self, username_or_email: str) -> tuple[User, str] | None:
        """The account of that e-mail or name, and its password's hash; None when there is none."""
        key = match_key(username_or_email)
        async with self._database.sessions() as session:
            found = select(UserRow).where(or_(col(UserRow.email_key) == key, col(UserRow.username_key) == key))
            rows = list(await session.scalars(found))
        # An address wins over somebody else's name that reads like it.
        rows.sort(key=lambda row: row.email_key != key)
        return (user_of(rows[0]), rows[0].password_hash) if rows else None

    async def open_session(self, user_id: UserId, refresh_hash: str, expires_at: datetime) -> str:
        """Begin a session and give its id; the user's expired ones are cleared away."""
        session_id, now = new_id(), utc_now()
        async with self._database.sessions.begin() as session:
            await session.execute(
                delete(SessionRow).where(col(SessionRow.user_id) == user_id, col(SessionRow.expires_at) <= now)
            )
            session.add(
                SessionRow(
                    id=session_id, user_id=user_id, refresh_hash=refresh_hash, expires_at=expires_at, created_at=now
                )
            )
        return session_id

    async def session(self, session_id: str) -> tuple[User, str, datetime] | None:
        """The session's user, hash of its refresh token and end; None when it is revoked, expired or unknown."""
        async with self._database.sessions() as session:
            found = await session.execute(
                select(SessionRow, UserRow)
                .join(UserRow, col(UserRow.id) == col(SessionRow.user_id))
                .where(*_alive(session_id))
            )
            row = found.first()
        return (user_of(row[1]), row[0].refresh_hash, row[0].expires_at) if row else None

    async def rotate_session(self, session_id: str, old_hash: str, new_hash: str) -> bool:
        """Exchange the refresh token; False when the session is over or ``old_hash`` is no longer its token's."""
        async with self._database.sessions.begin() as session:
            changed = await session.execute(
                update(SessionRow)
                .where(*_alive(session_id), col(SessionRow.refresh_hash) == old_hash)
                .values(refresh_hash=new_hash)
                .returning(col(SessionRow.id))
            )
            return changed.first() is not None

    async def close_session(self, session_id: str) -> None:
        """End the session; its access and refresh tokens are dead from now on. Harmless when it is over already."""
        async with self._database.sessions.begin() as session:
            await session.execute(update(SessionRow).where(*_alive(session_id)).values(revoked_at=utc_now()))


def _alive(session_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(SessionRow.id) == session_id,
        col(SessionRow.revoked_at).is_(None),
        col(SessionRow.expires_at) > utc_now(),
    )


def user_of(row: UserRow) -> User:
    """The account as others may see it."""
    return User(UserId(row.id), row.username, row.email, row.created_at)
