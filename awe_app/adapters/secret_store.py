"""Users' named secrets in the database, sealed; ``domain.secrets.UserSecrets`` reads them for calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from awe_app.adapters.crypto import Secrets
from awe_app.adapters.db import Database
from awe_app.adapters.tables import SecretRow
from awe_app.domain.errors import Invalid, NodeFailed
from awe_app.domain.ids import UserId, new_id, utc_now
from awe_app.domain.secrets import goes_to


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A secret as its owner sees it: never its value."""

    name: str
    last4: str | None
    """None for what cannot be read any more."""
    hosts: Sequence[str]
    created_at: datetime
    updated_at: datetime


class SecretStore:
    """Implements ``UserSecrets``, and keeps the secrets."""

    def __init__(self, database: Database, seals: Secrets) -> None:
        self._database = database
        self._seals = seals

    async def reveal(self, user_id: UserId | None, name: str, url: str) -> str:
        """See ``UserSecrets.reveal``."""
        row = await self._row(user_id, name) if user_id is not None else None
        if row is None or user_id is None:
            hint = "add it in your settings, or correct the name"
            raise NodeFailed("SECRET_NOT_FOUND", f"you have no secret '{name}'", hint)
        if not goes_to(url, row.hosts):
            hint = "add the host to the secret in your settings if it may be sent there"
            raise NodeFailed("SECRET_NOT_FOR_HOST", f"the secret '{name}' is for {', '.join(row.hosts)} only", hint)
        try:
            return self._seals.open(_owner(user_id, name), row.sealed)
        except Invalid as error:
            raise NodeFailed(error.code, f"the secret '{name}' cannot be read", error.hint) from None

    async def list(self, user_id: UserId) -> Sequence[StoredSecret]:
        """All of the user's, by name."""
        found = select(SecretRow).where(col(SecretRow.user_id) == user_id).order_by(col(SecretRow.name))
        async with self._database.sessions() as session:
            return [self._shown(user_id, row) for row in await session.scalars(found)]

    async def count(self, user_id: UserId) -> int:
        """How many the user has."""
        found = select(func.count()).where(col(SecretRow.user_id) == user_id)
        async with self._database.sessions() as session:
            return await session.scalar(found) or 0

    async def get(self, user_id: UserId, name: str) -> StoredSecret | None:
        """One of the user's."""
        row = await self._row(user_id, name)
        return self._shown(user_id, row) if row is not None else None

    async def put(self, user_id: UserId, name: str, value: str, hosts: Sequence[str]) -> None:
        """Store it, in place of one of the same name."""
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        now, sealed = utc_now(), self._seals.seal(_owner(user_id, name), value)
        row = insert(SecretRow).values(
            id=new_id(), user_id=user_id, name=name, sealed=sealed, hosts=list(hosts), created_at=now, updated_at=now
        )
        changed = {"sealed": row.excluded.sealed, "hosts": row.excluded.hosts, "updated_at": row.excluded.updated_at}
        async with self._database.sessions.begin() as session:
            await session.execute(row.on_conflict_do_update(index_elements=["user_id", "name"], set_=changed))

    async def delete(self, user_id: UserId, name: str) -> bool:
        """Drop it. False when there was none."""
        gone = delete(SecretRow).where(col(SecretRow.user_id) == user_id, col(SecretRow.name) == name)
        async with self._database.sessions.begin() as session:
            return bool((await session.execute(gone.returning(col(SecretRow.id)))).all())

    async def _row(self, user_id: UserId, name: str) -> SecretRow | None:
        found = select(SecretRow).where(col(SecretRow.user_id) == user_id, col(SecretRow.name) == name)
        async with self._database.sessions() as session:
            return await session.scalar(found)

    def _shown(self, user_id: UserId, row: SecretRow) -> StoredSecret:
        try:
            value = self._seals.open(_owner(user_id, row.name), row.sealed)
        except Invalid:
            last4 = None
        else:
            last4 = value[-4:] if len(value) >= 12 else "****"
        return StoredSecret(row.name, last4, row.hosts, row.created_at, row.updated_at)


def _owner(user_id: UserId, name: str) -> str:
    """What the value is sealed for: no other user's, and no other name's with other hosts."""
    return f"{user_id}/secrets/{name}"
