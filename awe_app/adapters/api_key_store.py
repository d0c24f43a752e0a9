"""Keys for scripts in the database: only their hashes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlmodel import col

from awe_app.adapters.db import Database
from awe_app.adapters.tables import ApiKeyRow, UserRow
from awe_app.adapters.user_store import user_of
from awe_app.domain.accounts import ApiKey, User
from awe_app.domain.ids import UserId, new_id, utc_now

_USED_TO = timedelta(minutes=1)
"""How exactly it is known when a key was last used: not every request is a write."""


class ApiKeyStore:
    """The keys of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, user_id: UserId, name: str, key_hash: str, last4: str, scopes: Sequence[str], expires_at: datetime | None
    ) -> ApiKey:
        """Keep a key."""
        row = ApiKeyRow(
            id=new_id(),
            user_id=user_id,
            name=name,
            key_hash=key_hash,
            last4=last4,
            scopes=list(scopes),
            created_at=utc_now(),
            expires_at=expires_at,
        )
        key = _key(row)
        async with self._database.sessions.begin() as session:
            session.add(row)
        return key

    async def of(self, user_id: UserId) -> list[ApiKey]:
        """The user's keys, the newest first, expired ones too."""
        found = (
            select(ApiKeyRow)
            .where(col(ApiKeyRow.user_id) == user_id)
            .order_by(col(ApiKeyRow.created_at).desc(), col(ApiKeyRow.id))
        )
        async with self._database.sessions() as session:
            return [_key(row) for row in await session.scalars(found)]

    async def count(self, user_id: UserId) -> int:
        """How many the user has."""
        found = select(func.count()).where(col(ApiKeyRow.user_id) == user_id)
        async with self._database.sessions() as session:
            return await session.scalar(found) or 0

    async def remove(self, user_id: UserId, key_id: str) -> bool:
        """Delete one of the user's keys; False when there is none of that id."""
        gone = delete(ApiKeyRow).where(col(ApiKeyRow.id) == key_id, col(ApiKeyRow.user_id) == user_id)
        async with self._database.sessions.begin() as session:
            return bool((await session.execute(gone)).rowcount)  # type: ignore[attr-defined]

    async def use(self, key_hash: str) -> tuple[ApiKey, User] | None:
        """The living key with that hash and whose it is, noted as used; None when it has expired or is not there."""
        now = utc_now()
        living = or_(col(ApiKeyRow.expires_at).is_(None), col(ApiKeyRow.expires_at) > now)
        found = (
            select(ApiKeyRow, UserRow)
            .join(UserRow, col(UserRow.id) == col(ApiKeyRow.user_id))
            .where(col(ApiKeyRow.key_hash) == key_hash, living)
        )
        async with self._database.sessions() as session:
            row = (await session.execute(found)).first()
        if row is None:
            return None
        key = _key(row[0])
        if key.last_used_at is None or now - key.last_used_at >= _USED_TO:
            used = update(ApiKeyRow).where(col(ApiKeyRow.id) == key.id).values(last_used_at=now)
            async with self._database.sessions.begin() as session:
                await session.execute(used)
        return key, user_of(row[1])


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        row.id,
        row.name,
        tuple(row.scopes),  # type: ignore[arg-type]
        row.last4,
        row.created_at,
        row.expires_at,
        row.last_used_at,
    )
