"""Executions that a node of another execution started: which there are, and telling the parent that one ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlmodel import col

from awe_app.adapters.db import Database
from awe_app.adapters.execution_store import parent_named
from awe_app.adapters.tables import ExecutionRow, SignalRow
from awe_app.domain.execution import FINAL_STATUSES
from awe_app.domain.ids import ExecutionId, Path, utc_now
from awe_app.domain.options import Parent


@dataclass(frozen=True, slots=True)
class Children:
    """The executions that one node instance has started so far."""

    count: int
    newest: ExecutionId | None
    newest_failed: bool
    """True when the newest one failed or was cancelled, so that another try makes another one."""
    depth: int
    """Of the parent."""


class ChildStore:
    """Reads and wakes along the link between executions; the link itself is written by the journal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, parent: Parent) -> Children:
        """What the node instance has started."""
        started = (
            select(col(ExecutionRow.id), col(ExecutionRow.status))
            .where(
                col(ExecutionRow.parent_id) == parent.execution_id,
                col(ExecutionRow.parent_path) == parent.path,
            )
            .order_by(col(ExecutionRow.created_at), col(ExecutionRow.id))
        )
        above = select(col(ExecutionRow.depth)).where(col(ExecutionRow.id) == parent.execution_id)
        async with self._database.sessions() as session:
            rows = (await session.execute(started)).all()
            depth = await session.scalar(above) or 0
        if not rows:
            return Children(0, None, False, depth)
        return Children(len(rows), ExecutionId(rows[-1].id), rows[-1].status in ("failed", "cancelled"), depth)

    async def forget_report(self, parent: Parent) -> None:
        """Take away what an earlier child of the node instance reported: another try begins."""
        async with self._database.sessions.begin() as session:
            await session.execute(
                delete(SignalRow).where(
                    col(SignalRow.execution_id) == parent.execution_id, col(SignalRow.path) == parent.path
                )
            )

    async def parent_of(self, execution_id: ExecutionId) -> Parent | None:
        """The node instance that waits for the execution."""
        found = select(col(ExecutionRow.parent_id), col(ExecutionRow.parent_path)).where(
            col(ExecutionRow.id) == execution_id
        )
        async with self._database.sessions() as session:
            row = (await session.execute(found)).first()
        return parent_named(*row) if row is not None else None

    async def wake(self, execution_id: ExecutionId) -> None:
        """Let a parent that waits go on now."""
        waiting = (col(ExecutionRow.id) == execution_id, col(ExecutionRow.status) == "waiting")
        async with self._database.sessions.begin() as session:
            await session.execute(update(ExecutionRow).where(*waiting).values(wake_at=utc_now()))

    async def has_ended(self, execution_id: ExecutionId) -> bool:
        """True when the execution has a final status, or is not there any more."""
        found = select(func.count()).where(
            col(ExecutionRow.id) == execution_id, col(ExecutionRow.status).not_in(FINAL_STATUSES)
        )
        async with self._database.sessions() as session:
            return not await session.scalar(found)

    async def unfinished_of(self, parent_id: ExecutionId, path: Path | None = None) -> Sequence[ExecutionId]:
        """Children that have not ended: of one node instance, or of all."""
        found = select(col(ExecutionRow.id)).where(
            col(ExecutionRow.parent_id) == parent_id, col(ExecutionRow.status).not_in(FINAL_STATUSES)
        )
        if path is not None:
            found = found.where(col(ExecutionRow.parent_path) == path)
        async with self._database.sessions() as session:
            return [ExecutionId(i) for i in await session.scalars(found)]
