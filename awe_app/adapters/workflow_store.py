"""Workflows in the database."""

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from sqlmodel import col

from awe_app.adapters.columns import search_text
from awe_app.adapters.db import Database
from awe_app.adapters.listing import matching, order, page_of_ids
from awe_app.adapters.lookup import Lookup, Row
from awe_app.adapters.storable import storable
from awe_app.adapters.tables import WorkflowRow
from awe_app.domain.errors import Conflict, NotFound
from awe_app.domain.ids import UserId, WorkflowId, new_id, utc_now
from awe_app.domain.pages import Page, PageQuery
from awe_app.domain.stored import StoredWorkflow
from awe_app.domain.workflow import Workflow

_DELETED_AT_ONCE = 500
"""Ids in one statement; databases limit the parameters."""
_KEPT = 256
"""Workflows in memory; the ones read longest ago go first."""


class WorkflowStore:
    """Workflows by id, and lists of somebody's. Who may see what is the services' to say; ``issues`` stay empty."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._heads = Lookup(database, _read_heads)
        self._kept: OrderedDict[WorkflowId, tuple[Row, StoredWorkflow]] = OrderedDict()
        """What was read lately, and the head it had then."""

    async def add(self, owner_id: UserId, workflow: Workflow, is_public: bool = False) -> StoredWorkflow:
        """Store a new workflow as version 1."""
        now = utc_now()
        row = WorkflowRow(
            id=new_id(),
            owner_id=owner_id,
            is_public=is_public,
            version=1,
            created_at=now,
            updated_at=now,
            **_content(workflow),
        )
        async with self._database.sessions.begin() as session:
            session.add(row)
        return stored_workflow(row, workflow)

    async def get(self, workflow_id: WorkflowId) -> StoredWorkflow | None:
        """The workflow as it is now, whoever owns it, or None.

        The database is asked every time, but for the file only when its head says that it changed: every process sees
        at once what another one saved, shared or deleted.
        """
        head = await self._heads.row(storable(workflow_id))
        if head is None:
            self._kept.pop(workflow_id, None)
            return None
        known = self._kept.get(workflow_id)
        if known is None or known[0] != head:
            async with self._database.sessions() as session:
                row = await session.get(WorkflowRow, workflow_id)
            if row is None:
                return None
            known = (head, stored_workflow(row))
            if row.version != head[0]:  # saved between the two reads: the head does not tell of this one
                return known[1]
            self._kept[workflow_id] = known
        self._kept.move_to_end(workflow_id)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return known[1]

    async def owner(self, workflow_id: WorkflowId) -> tuple[UserId, bool] | None:
        """Who owns the workflow and whether it is public, now; None when there is none."""
        head = await self._heads.row(storable(workflow_id))
        return None if head is None else (UserId(head[1] or ""), bool(head[2]))

    async def list(self, owner_id: UserId, query: PageQuery) -> Page[StoredWorkflow]:
        """The owner's workflows, last changed first unless ``query.sort`` says otherwise.

        Raises:
            Invalid: ``BAD_SORT``.
        """
        sortable = {
            "name": func.lower(col(WorkflowRow.name)),
            "created_at": col(WorkflowRow.created_at),
            "updated_at": col(WorkflowRow.updated_at),
        }
        ordering = order(query.sort, sortable, "-updated_at", col(WorkflowRow.id))
        wanted = select(col(WorkflowRow.id)).where(
            col(WorkflowRow.owner_id) == owner_id, *matching(col(WorkflowRow.search_text), query.q)
        )
        async with self._database.sessions() as session:
            ids, total = await page_of_ids(session, wanted, ordering, query)
            found = await session.scalars(select(WorkflowRow).where(col(WorkflowRow.id).in_(ids)))
            rows = {row.id: row for row in found}
        return Page([stored_workflow(rows[i]) for i in ids if i in rows], total, query.limit, query.offset)

    async def names(self, owner_id: UserId, limit: int) -> Sequence[tuple[WorkflowId, str, str]]:
        """Id, name and description of the owner's, last changed first; the files themselves are not read."""
        wanted = (
            select(col(WorkflowRow.id), col(WorkflowRow.name), col(WorkflowRow.description))
            .where(col(WorkflowRow.owner_id) == owner_id)
            .order_by(col(WorkflowRow.updated_at).desc(), col(WorkflowRow.id))
            .limit(limit)
        )
        async with self._database.sessions() as session:
            return [(WorkflowId(row[0]), row[1], row[2] or "") for row in await session.execute(wanted)]

    async def update(
        self,
        workflow_id: WorkflowId,
        workflow: Workflow,
        expected_version: int | None,
        is_public: bool | None = None,
    ) -> StoredWorkflow:
        """Store the next version; with ``expected_version`` only when that is still the present one.

        ``is_public`` stays as it is where it is None.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``.
            Conflict: ``STALE_VERSION``: somebody else saved meanwhile.
        """
        change = update(WorkflowRow).where(col(WorkflowRow.id) == workflow_id)
        if expected_version is not None:
            change = change.where(col(WorkflowRow.version) == expected_version)
        change = change.values(version=col(WorkflowRow.version) + 1, updated_at=utc_now(), **_content(workflow))
        if is_public is not None:
            change = change.values(is_public=is_public)
        async with self._database.sessions.begin() as session:
            row = await session.scalar(change.returning(WorkflowRow))
            if row is not None:
                return stored_workflow(row, workflow)
            version = await session.scalar(select(col(WorkflowRow.version)).where(col(WorkflowRow.id) == workflow_id))
        if version is None:
            raise NotFound("WORKFLOW_NOT_FOUND", "there is no such workflow, or it is not yours")
        raise Conflict(
            "STALE_VERSION",
            f"the workflow is at version {version} and you changed version {expected_version}",
            "load it again and repeat the change",
        )

    async def delete(self, ids: Iterable[WorkflowId], owner_id: UserId) -> set[WorkflowId]:
        """Delete those of the workflows that the owner has and say which; their executions stay."""
        wanted = list(dict.fromkeys(ids))
        deleted: set[WorkflowId] = set()
        async with self._database.sessions.begin() as session:
            for start in range(0, len(wanted), _DELETED_AT_ONCE):
                some = wanted[start : start + _DELETED_AT_ONCE]
                gone = await session.scalars(
                    delete(WorkflowRow)
                    .where(col(WorkflowRow.id).in_(some), col(WorkflowRow.owner_id) == owner_id)
                    .returning(col(WorkflowRow.id))
                )
                deleted.update(WorkflowId(i) for i in gone)
        return deleted


def _read_heads(connection: Connection, ids: Sequence[str]) -> dict[str, Row]:
    """Version, owner, whether it is public, and when it was changed, of each workflow. On SQLite in one step."""
    if connection.dialect.name == "sqlite":
        sql = (
            "SELECT json_group_array(json_array(id, version, owner_id, is_public, updated_at)) FROM workflows"
            " WHERE id IN (SELECT value FROM json_each(?))"
        )
        rows = json.loads(connection.exec_driver_sql(sql, (json.dumps(ids),)).scalar_one())
    else:
        sql = "SELECT id, version, owner_id, is_public, updated_at FROM workflows WHERE id = ANY(%s)"
        rows = connection.exec_driver_sql(sql, (list(ids),))
    return {row[0]: tuple(row[1:]) for row in rows}


def _content(workflow: Workflow) -> dict[str, Any]:
    return {
        "name": workflow.name,
        "description": workflow.description,
        "search_text": search_text(workflow.name, workflow.description),
        "definition": workflow.as_json(),
    }


def stored_workflow(row: WorkflowRow, workflow: Workflow | None = None) -> StoredWorkflow:
    """The workflow of a row; ``workflow`` is what it defines, where that is known already."""
    return StoredWorkflow(
        id=WorkflowId(row.id),
        workflow=workflow or Workflow.model_validate(row.definition),
        owner_id=UserId(row.owner_id or ""),
        is_public=row.is_public,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
