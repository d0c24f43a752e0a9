"""Shares in the database."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from awe_app.adapters.db import Database
from awe_app.adapters.listing import matching, order, page_of_ids
from awe_app.adapters.tables import ExecutionRow, ShareRow, UserRow, WorkflowRow
from awe_app.adapters.workflow_store import stored_workflow
from awe_app.domain.errors import NotFound
from awe_app.domain.ids import UserId, WorkflowId, new_id, utc_now
from awe_app.domain.pages import Page, PageQuery
from awe_app.domain.sharing import Permission, Share, SharedWorkflow


class ShareStore:
    """Shares by id, by workflow and by user. Who may change them is the services' to say."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, workflow_id: WorkflowId, user_id: UserId, permission: Permission, expires_at: datetime | None
    ) -> Share:
        """Share the workflow, or change the share that there is.

        Raises:
            NotFound: ``WORKFLOW_NOT_FOUND``: the workflow or the account was deleted meanwhile.
        """
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        new = {
            "id": new_id(),
            "workflow_id": workflow_id,
            "user_id": user_id,
            "permission": permission.label,
            "created_at": utc_now(),
            "expires_at": expires_at,
        }
        change = {"permission": new["permission"], "expires_at": expires_at}
        stored = (
            insert(ShareRow)
            .values(new)
            .on_conflict_do_update(index_elements=["workflow_id", "user_id"], set_=change)
            .returning(col(ShareRow.id))
        )
        try:
            async with self._database.sessions.begin() as session:
                share_id = await session.scalar(stored)
                row = (await session.execute(_shares().where(col(ShareRow.id) == share_id))).one()
        except IntegrityError as error:
            raise NotFound("WORKFLOW_NOT_FOUND", "the workflow or the account has just been deleted") from error
        return _share(row)

    async def granted(self, workflow_id: WorkflowId, user_id: UserId) -> Permission:
        """What a share that has not expired lets the user do now."""
        found = select(col(ShareRow.permission)).where(
            col(ShareRow.workflow_id) == workflow_id, col(ShareRow.user_id) == user_id, _alive()
        )
        async with self._database.sessions() as session:
            name = await session.scalar(found)
        return Permission.NONE if name is None else Permission[name.upper()]

    async def get(self, share_id: str) -> Share | None:
        """The share, expired or not, or None."""
        async with self._database.sessions() as session:
            row = (await session.execute(_shares().where(col(ShareRow.id) == share_id))).first()
        return None if row is None else _share(row)

    async def of(self, workflow_id: WorkflowId, query: PageQuery) -> Page[Share]:
        """With whom the workflow is shared, expired shares too, by name."""
        sortable = {
            "name": func.lower(col(UserRow.username)),
            "created_at": col(ShareRow.created_at),
            "updated_at": col(ShareRow.created_at),
        }
        wanted = (
            select(col(ShareRow.id))
            .join(UserRow, col(UserRow.id) == col(ShareRow.user_id))
            .where(col(ShareRow.workflow_id) == workflow_id, *matching(col(UserRow.username_key), query.q))
        )
        async with self._database.sessions() as session:
            ordering = order(query.sort, sortable, "name", col(ShareRow.id))
            ids, total = await page_of_ids(session, wanted, ordering, query)
            rows = {row[0].id: row for row in await session.execute(_shares().where(col(ShareRow.id).in_(ids)))}
        return Page([_share(rows[i]) for i in ids if i in rows], total, query.limit, query.offset)

    async def shared_with(self, user_id: UserId, query: PageQuery) -> Page[SharedWorkflow]:
        """What others share with the user now, last changed first; ``issues`` stay empty."""
        sortable = {
            "name": func.lower(col(WorkflowRow.name)),
            "created_at": col(WorkflowRow.created_at),
            "updated_at": col(WorkflowRow.updated_at),
        }
        wanted = (
            select(col(ShareRow.id))
            .join(WorkflowRow, col(WorkflowRow.id) == col(ShareRow.workflow_id))
            .where(col(ShareRow.user_id) == user_id, _alive(), *matching(col(WorkflowRow.search_text), query.q))
        )
        found = (
            select(ShareRow, WorkflowRow, col(UserRow.username))
            .join(WorkflowRow, col(WorkflowRow.id) == col(ShareRow.workflow_id))
            .join(UserRow, col(UserRow.id) == col(WorkflowRow.owner_id))
        )
        async with self._database.sessions() as session:
            ordering = order(query.sort, sortable, "-updated_at", col(ShareRow.id))
            ids, total = await page_of_ids(session, wanted, ordering, query)
            rows = {row[0].id: row for row in await session.execute(found.where(col(ShareRow.id).in_(ids)))}
        items = [
            SharedWorkflow(stored_workflow(rows[i][1]), rows[i][2], _share((rows[i][0], ""))) for i in ids if i in rows
        ]
        return Page(items, total, query.limit, query.offset)

    async def remove(self, share_id: str) -> bool:
        """Delete the share; False when there is none (any more)."""
        async with self._database.sessions.begin() as session:
            gone = await session.execute(delete(ShareRow).where(col(ShareRow.id) == share_id))
        return bool(gone.rowcount)  # type: ignore[attr-defined]


def hidden_from(user_id: UserId) -> ColumnElement[bool]:
    """Whether an execution's workflow belongs to others who do not (any more) let the user see it.

    The same rule as ``domain.sharing.permission_of``, for lists.
    """
    shared = exists().where(
        col(ShareRow.workflow_id) == col(WorkflowRow.id), col(ShareRow.user_id) == user_id, _alive()
    )
    return exists().where(
        col(WorkflowRow.id) == col(ExecutionRow.workflow_id),
        col(WorkflowRow.owner_id).is_distinct_from(user_id),
        and_(col(WorkflowRow.is_public).is_(False), ~shared),
    )


def _alive() -> ColumnElement[bool]:
    return or_(col(ShareRow.expires_at).is_(None), col(ShareRow.expires_at) > utc_now())


def _shares() -> Select[ShareRow, str]:
    return select(ShareRow, col(UserRow.username)).join(UserRow, col(UserRow.id) == col(ShareRow.user_id))


def _share(row: Any) -> Share:
    share, username = row
    return Share(
        id=share.id,
        workflow_id=WorkflowId(share.workflow_id),
        user_id=UserId(share.user_id),
        user=username,
        permission=Permission[share.permission.upper()],
        created_at=share.created_at,
        expires_at=share.expires_at,
    )
