"""MCP servers of users in the database, and the workflows they offer. What must be secret is sealed before."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from awe_app.adapters.db import Database
from awe_app.adapters.tables import McpServerRow, McpWorkflowRow
from awe_app.domain.ids import UserId, WorkflowId, utc_now

Change = Callable[[dict[str, Any] | None], dict[str, Any] | None]
"""From what is stored (None: nothing) to what shall be (None: nothing)."""


class McpStore:
    """Reads and changes one server at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, user_id: UserId) -> dict[str, dict[str, Any]]:
        """The user's servers by id, in alphabetical order."""
        found = select(col(McpServerRow.server_id), col(McpServerRow.data)).where(col(McpServerRow.user_id) == user_id)
        async with self._database.sessions() as session:
            rows = (await session.execute(found)).all()
        return dict(sorted((server_id, data) for server_id, data in rows))

    async def get(self, user_id: UserId, server_id: str) -> dict[str, Any] | None:
        """One server, or None."""
        async with self._database.sessions() as session:
            row = await session.get(McpServerRow, (user_id, server_id))
        return row and row.data

    async def change(self, user_id: UserId, server_id: str, change: Change) -> dict[str, Any] | None:
        """Store what ``change`` makes of the server; nothing else changes it meanwhile. Gives what is stored then.

        What ``change`` raises comes out, and nothing is stored.
        """
        try:
            return await self._change(user_id, server_id, change)
        except IntegrityError:  # somebody else has just added it
            return await self._change(user_id, server_id, change)

    async def _change(self, user_id: UserId, server_id: str, change: Change) -> dict[str, Any] | None:
        its = (col(McpServerRow.user_id) == user_id, col(McpServerRow.server_id) == server_id)
        async with self._database.sessions.begin() as session:
            # Writing first is what makes SQLite take its lock; in PostgreSQL it locks the row.
            await session.execute(update(McpServerRow).where(*its).values(updated_at=McpServerRow.updated_at))
            row = await session.get(McpServerRow, (user_id, server_id), populate_existing=True)
            data = change(row and dict(row.data))
            now = utc_now()
            if row is None and data is not None:
                row = McpServerRow(user_id=user_id, server_id=server_id, data=data, created_at=now, updated_at=now)
                session.add(row)
            elif row is not None and data is None:
                await session.delete(row)
            elif row is not None and data is not None:
                row.data, row.updated_at = data, now
        return data

    async def workflows(self, user_id: UserId) -> list[WorkflowId]:
        """The workflows that the user offers as tools."""
        found = select(col(McpWorkflowRow.workflow_id)).where(col(McpWorkflowRow.user_id) == user_id)
        async with self._database.sessions() as session:
            return sorted(WorkflowId(each) for each in await session.scalars(found))

    async def set_workflows(self, user_id: UserId, workflow_ids: Sequence[WorkflowId]) -> None:
        """Offer these workflows, which exist, and no others."""
        async with self._database.sessions.begin() as session:
            await session.execute(delete(McpWorkflowRow).where(col(McpWorkflowRow.user_id) == user_id))
            rows = [{"user_id": user_id, "workflow_id": each} for each in dict.fromkeys(workflow_ids)]
            if rows:
                await session.execute(insert(McpWorkflowRow), rows)
