"""Users' settings in the database: one JSON object each. What must be secret in it is sealed before it comes here."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Text, cast, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from awe_app.adapters.db import Database
from awe_app.adapters.tables import SettingsRow
from awe_app.domain.ids import UserId, new_id, utc_now


class SettingsStore:
    """Reads and replaces a user's settings as a whole."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UserId) -> dict[str, Any]:
        """The user's settings; empty when none were ever stored."""
        found = select(col(SettingsRow.settings_data)).where(col(SettingsRow.user_id) == user_id)
        async with self._database.sessions() as session:
            return await session.scalar(found) or {}

    async def any_provider(self, kinds: Collection[str]) -> bool:
        """Whether some user has a provider of one of these kinds. It looks for words, so it may say yes too often."""
        written = cast(col(SettingsRow.settings_data), Text)
        found = select(literal(1)).where(or_(*(written.contains(f'"{kind}"') for kind in kinds))).limit(1)
        async with self._database.sessions() as session:
            return await session.scalar(found) is not None

    async def put(self, user_id: UserId, settings: dict[str, Any]) -> None:
        """Store the user's settings in place of what was there."""
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        now = utc_now()
        row = insert(SettingsRow).values(
            id=new_id(), user_id=user_id, settings_data=settings, created_at=now, updated_at=now
        )
        async with self._database.sessions.begin() as session:
            await session.execute(
                row.on_conflict_do_update(
                    index_elements=["user_id"],
                    set_={"settings_data": row.excluded.settings_data, "updated_at": row.excluded.updated_at},
                )
            )
