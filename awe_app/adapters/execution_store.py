"""What is known of executions beside their events: the list, take-over, and the workflow as it was then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from awe_app.adapters.db import Database
from awe_app.adapters.listing import matching, order, page_of_ids
from awe_app.adapters.share_store import hidden_from
from awe_app.adapters.storable import to_json
from awe_app.adapters.tables import EventRow, ExecutionRow, SignalRow, SnapshotRow
from awe_app.domain import events as ev
from awe_app.domain.errors import NotFound
from awe_app.domain.execution import FINAL_STATUSES
from awe_app.domain.ids import ExecutionId, Path, UserId, WorkflowId, utc_now
from awe_app.domain.models import Usage
from awe_app.domain.options import Parent, RunOptions
from awe_app.domain.pages import Page, PageQuery
from awe_app.domain.stored import ExecutionSummary
from awe_app.domain.tickets import Priority, Ticket
from awe_app.domain.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to drive an execution, and what is needed for it. A later claim makes this one void."""

    epoch: int
    workflow: Workflow
    """As it was when the execution started."""
    snapshot_id: str
    workflow_id: WorkflowId | None
    """None when the workflow has been deleted since."""
    user_id: UserId | None
    inputs: Mapping[str, Any]
    options: RunOptions = RunOptions()
    parent: Parent | None = None
    depth: int = 0


class ExecutionStore:
    """Reads executions' rows and hands out claims; rows are made and ended by the journal alone."""

    def __init__(self, database: Database, driver: str | None = None) -> None:
        self._database = database
        self.driver = driver
        """Under which name this process claims executions, where there are several (``workers.id``)."""

    async def summary(self, execution_id: ExecutionId) -> ExecutionSummary | None:
        """The execution's row in the list, whoever started it, or None."""
        async with self._database.sessions() as session:
            row = (await session.execute(_summaries().where(col(ExecutionRow.id) == execution_id))).first()
        return None if row is None else _summary(row)

    async def list(
        self,
        user_id: UserId,
        query: PageQuery,
        workflow_id: WorkflowId | None = None,
        status: str | None = None,
    ) -> Page[ExecutionSummary]:
        """The user's executions, newest first unless ``query.sort`` says otherwise; ``q`` looks through names.

        Those of workflows that others no longer share with the user are left out.

        Raises:
            Invalid: ``BAD_SORT``.
        """
        sortable = {
            "name": func.lower(col(SnapshotRow.name)),
            "created_at": col(ExecutionRow.created_at),
            "updated_at": func.coalesce(
                col(ExecutionRow.completed_at), col(ExecutionRow.started_at), col(ExecutionRow.created_at)
            ),
        }
        ordering = order(query.sort, sortable, "-created_at", col(ExecutionRow.id))
        wanted = select(col(ExecutionRow.id)).where(col(ExecutionRow.user_id) == user_id, ~hidden_from(user_id))
        if query.q.strip() or query.sort.removeprefix("-") == "name":
            wanted = wanted.join(SnapshotRow, col(SnapshotRow.id) == col(ExecutionRow.snapshot_id))
            wanted = wanted.where(*matching(col(SnapshotRow.search_text), query.q))
        if workflow_id is not None:
            wanted = wanted.where(col(ExecutionRow.workflow_id) == workflow_id)
        if status is not None:
            wanted = wanted.where(col(ExecutionRow.status) == status)
        async with self._database.sessions() as session:
            ids, total = await page_of_ids(session, wanted, ordering, query)
            rows = {row.id: row for row in await session.execute(_summaries().where(col(ExecutionRow.id).in_(ids)))}
        return Page([_summary(rows[i]) for i in ids if i in rows], total, query.limit, query.offset)

    async def by_idempotency_key(self, user_id: UserId, key: str) -> ExecutionId | None:
        """The execution that the user started with this ``Idempotency-Key``, or None."""
        found = select(col(ExecutionRow.id)).where(
            col(ExecutionRow.user_id) == user_id, col(ExecutionRow.idempotency_key) == key
        )
        async with self._database.sessions() as session:
            execution_id = await session.scalar(found)
        return ExecutionId(execution_id) if execution_id else None

    async def snapshot(self, execution_id: ExecutionId) -> Workflow:
        """The workflow as it was when the execution started.

        Raises:
            NotFound: ``EXECUTION_NOT_FOUND``.
        """
        found = (
            select(col(SnapshotRow.definition))
            .join(ExecutionRow, col(ExecutionRow.snapshot_id) == col(SnapshotRow.id))
            .where(col(ExecutionRow.id) == execution_id)
        )
        async with self._database.sessions() as session:
            definition = await session.scalar(found)
        if definition is None:
            raise NotFound("EXECUTION_NOT_FOUND", "there is no such execution, or it is not yours")
        return Workflow.model_validate(definition)

    async def claim(self, execution_id: ExecutionId) -> Claim | None:
        """Take the execution over: whoever held it before can write no more. None when it has ended or is unknown.

        Read the journal only after this: what an earlier holder stored is then all there will ever be of it.
        """
        take = (
            update(ExecutionRow)
            .where(col(ExecutionRow.id) == execution_id, col(ExecutionRow.status).not_in(FINAL_STATUSES))
            .values(epoch=col(ExecutionRow.epoch) + 1, driver=self.driver)
            .returning(ExecutionRow)
        )
        async with self._database.sessions.begin() as session:
            row = await session.scalar(take)
            if row is None:
                return None
            snapshot = select(col(SnapshotRow.definition)).where(col(SnapshotRow.id) == row.snapshot_id)
            definition = await session.scalar(snapshot)
        return Claim(
            epoch=row.epoch,
            workflow=Workflow.model_validate(definition),
            snapshot_id=row.snapshot_id,
            workflow_id=WorkflowId(row.workflow_id) if row.workflow_id else None,
            user_id=UserId(row.user_id) if row.user_id else None,
            inputs=row.inputs,
            options=RunOptions.from_json(row.options),
            parent=parent_named(row.parent_id, row.parent_path),
            depth=row.depth,
        )

    async def reopen(
        self, execution_id: ExecutionId, options: RunOptions, events: Sequence[ev.ExecutionResumed | ev.LogWritten]
    ) -> bool:
        """Let what failed or was cancelled go on; False when it is neither, or somebody was quicker.

        The one way back from a final status, and only a person goes it. The events that say who and when are stored in
        the same transaction: no other end can come between.
        """
        open_again = (
            update(ExecutionRow)
            .where(col(ExecutionRow.id) == execution_id, col(ExecutionRow.status).in_(("failed", "cancelled")))
            .values(
                epoch=col(ExecutionRow.epoch) + 1,
                status="running",
                completed_at=None,
                state=None,
                options=options.as_json(),
                driver=self.driver,
            )
            .returning(col(ExecutionRow.id))
        )
        try:
            async with self._database.sessions.begin() as session:
                if await session.scalar(open_again) is None:
                    return False
                for event in events:
                    kind, values = ev.EventCodec.encode(event)
                    session.add(EventRow(execution_id=execution_id, seq=event.seq, kind=kind, data=to_json(values)))
        except IntegrityError:  # it was resumed and has ended again since its journal was read
            return False
        return True

    async def asked(self, execution_id: ExecutionId) -> tuple[Workflow, RunOptions]:
        """The workflow as it was when the execution started, and how it was asked to run."""
        options = select(col(ExecutionRow.options)).where(col(ExecutionRow.id) == execution_id)
        async with self._database.sessions() as session:
            stored = await session.scalar(options)
        return await self.snapshot(execution_id), RunOptions.from_json(stored)

    async def inputs(self, execution_id: ExecutionId) -> Mapping[str, Any]:
        """What the execution was given."""
        found = select(col(ExecutionRow.inputs)).where(col(ExecutionRow.id) == execution_id)
        async with self._database.sessions() as session:
            return await session.scalar(found) or {}

    async def unfinished(self) -> Sequence[Ticket]:
        """Every execution that can go on, oldest first: not those that wait for a moment or an answer yet to come."""
        found = (
            _tickets()
            .where(
                col(ExecutionRow.status).in_(("pending", "running"))
                | (col(ExecutionRow.status) == "waiting")
                & (
                    (col(ExecutionRow.wake_at) <= utc_now())
                    | exists().where(col(SignalRow.execution_id) == col(ExecutionRow.id))
                )
            )
            .order_by(col(ExecutionRow.created_at), col(ExecutionRow.id))
        )
        async with self._database.sessions() as session:
            return [ticket_of(row) for row in await session.execute(found)]

    async def unfinished_of(self, user_id: UserId, workflow_id: WorkflowId) -> Sequence[ExecutionId]:
        """What the user runs of the workflow and has not ended."""
        found = select(col(ExecutionRow.id)).where(
            col(ExecutionRow.workflow_id) == workflow_id,
            col(ExecutionRow.user_id) == user_id,
            col(ExecutionRow.status).not_in(FINAL_STATUSES),
        )
        async with self._database.sessions() as session:
            return [ExecutionId(each) for each in await session.scalars(found)]

    async def due(self) -> Sequence[Ticket]:
        """Executions that wait and whose moment has come."""
        found = _tickets().where(col(ExecutionRow.status) == "waiting", col(ExecutionRow.wake_at) <= utc_now())
        async with self._database.sessions() as session:
            return [ticket_of(row) for row in await session.execute(found)]

    async def add_signal(self, execution_id: ExecutionId, path: Path, payload: Mapping[str, Any]) -> bool:
        """Store an answer or an event and let the execution be woken; False when there is one of that path."""
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        signal = {"execution_id": execution_id, "path": path, "payload": dict(payload), "created_at": utc_now()}
        waiting = (col(ExecutionRow.id) == execution_id, col(ExecutionRow.status) == "waiting")
        async with self._database.sessions.begin() as session:
            added = await session.execute(insert(SignalRow).values(signal).on_conflict_do_nothing())
            if not added.rowcount:  # type: ignore[attr-defined]
                return False
            await session.execute(update(ExecutionRow).where(*waiting).values(wake_at=utc_now()))
        return True

    async def signals(self, execution_id: ExecutionId) -> Mapping[Path, Mapping[str, Any]]:
        """The answers there are, by node instance, and the events, by key, in the order in which they came."""
        found = (
            select(SignalRow)
            .where(col(SignalRow.execution_id) == execution_id)
            .order_by(col(SignalRow.created_at), col(SignalRow.path))
        )
        async with self._database.sessions() as session:
            return {Path(row.path): row.payload for row in await session.scalars(found)}


def parent_named(parent_id: str | None, path: str | None) -> Parent | None:
    """The parent of a row with these columns."""
    return Parent(ExecutionId(parent_id), Path(path)) if parent_id and path else None


def ticket_of(row: Any) -> Ticket:
    """The ticket of a row with ``id, user_id, priority, epoch``."""
    user_id = UserId(row.user_id) if row.user_id else None
    return Ticket(ExecutionId(row.id), user_id, Priority(row.priority), row.epoch)


def _tickets() -> Select[str, str | None, int, int]:
    row = ExecutionRow
    return select(col(row.id), col(row.user_id), col(row.priority), col(row.epoch))


def _summaries() -> Select[Any]:
    columns = (
        ExecutionRow.id,
        ExecutionRow.workflow_id,
        ExecutionRow.user_id,
        ExecutionRow.status,
        ExecutionRow.created_at,
        ExecutionRow.started_at,
        ExecutionRow.completed_at,
        ExecutionRow.state,
    )
    return (
        select(*(col(column) for column in columns), col(SnapshotRow.name).label("workflow_name"))
        .select_from(ExecutionRow)
        .join(SnapshotRow, col(SnapshotRow.id) == col(ExecutionRow.snapshot_id))
    )


def _summary(row: Any) -> ExecutionSummary:
    state = row.state or {}
    return ExecutionSummary(
        execution_id=ExecutionId(row.id),
        workflow_id=row.workflow_id,
        workflow_name=row.workflow_name,
        user_id=row.user_id,
        status=row.status,
        result=state.get("result"),
        error=state.get("error"),
        usage=state.get("usage") or Usage().as_json(),
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
    )
