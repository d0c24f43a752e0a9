"""Conversations with workflows: the executions whose options name one."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select
from sqlmodel import col

from awe_app.adapters.db import Database
from awe_app.adapters.tables import ExecutionRow
from awe_app.domain.chat import ChatHead, ChatTurn
from awe_app.domain.ids import ExecutionId, UserId, WorkflowId
from awe_app.domain.models import Usage

_CHAT = col(ExecutionRow.options)["chat"].as_string()


class ChatStore:
    """Reads conversations; executions are written by the journal alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heads(self, user_id: UserId, workflow_id: WorkflowId, limit: int) -> Sequence[ChatHead]:
        """The user's conversations with the workflow, the one with the newest turn first."""
        chats = (
            select(
                _CHAT.label("chat"),
                func.min(col(ExecutionRow.created_at)).label("first"),
                func.max(col(ExecutionRow.created_at)).label("last"),
            )
            .where(*_of(user_id, workflow_id), _CHAT.is_not(None))
            .group_by(_CHAT)
            .order_by(func.max(col(ExecutionRow.created_at)).desc())
            .limit(limit)
            .subquery()
        )
        found = (
            select(chats.c.chat, ExecutionRow.inputs, ExecutionRow.created_at)  # type: ignore[call-overload]
            .join(chats, (chats.c.chat == _CHAT) & (col(ExecutionRow.created_at) == chats.c.first))
            .where(*_of(user_id, workflow_id))
            .order_by(chats.c.last.desc())
        )
        async with self._database.sessions() as session:
            rows = list(await session.execute(found))
        return list({row.chat: ChatHead(row.chat, row.inputs, row.created_at) for row in rows}.values())

    async def turns(self, user_id: UserId, workflow_id: WorkflowId, chat: str, limit: int) -> Sequence[ChatTurn]:
        """The last turns of a conversation, the oldest of them first."""
        row = ExecutionRow
        columns = (row.id, row.inputs, row.status, row.state, row.created_at, row.completed_at)
        found = (
            select(*(col(column) for column in columns))
            .where(*_of(user_id, workflow_id), chat == _CHAT)
            .order_by(col(row.created_at).desc(), col(row.id).desc())
            .limit(limit)
        )
        async with self._database.sessions() as session:
            rows = list(await session.execute(found))
        turns = []
        for each in reversed(rows):
            state = each.state or {}
            turns.append(
                ChatTurn(
                    execution_id=ExecutionId(each.id),
                    inputs=each.inputs,
                    status=each.status,
                    result=state.get("result"),
                    error=state.get("error"),
                    usage=state.get("usage") or Usage().as_json(),
                    created_at=each.created_at,
                    completed_at=each.completed_at,
                )
            )
        return turns


def _of(user_id: UserId, workflow_id: WorkflowId) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(ExecutionRow.user_id) == user_id, col(ExecutionRow.workflow_id) == workflow_id
