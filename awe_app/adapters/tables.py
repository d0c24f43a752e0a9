"""The tables, and nothing but the tables. ``alembic/versions`` makes them; a test compares the two."""

# pyright: reportIncompatibleVariableOverride=false
# (SQLModel declares __tablename__ as a descriptor; a plain string is its documented form.)

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from awe_app.adapters.columns import PlainText, UtcDateTime

METADATA = SQLModel.metadata
"""Knows every table; filled by importing this module."""

_JSON = JSON(none_as_null=True)
_WAITING = text("status = 'waiting'")
_CHILD = text("parent_id IS NOT NULL")
_UNFINISHED = text("status IN ('pending', 'running', 'waiting')")
_DRIVEN = text("status IN ('pending', 'running')")
_WAITING_DOCUMENT = text("status IN ('queued', 'indexing')")


class UserRow(SQLModel, table=True):
    """An account. The ``_key`` columns make names unique whatever their case."""

    __tablename__: ClassVar[str] = "users"

    id: str = Field(primary_key=True, sa_type=PlainText)
    username: str = Field(sa_type=PlainText, unique=True, index=True)
    username_key: str = Field(sa_type=PlainText, unique=True, index=True)
    email: str = Field(sa_type=PlainText, unique=True, index=True)
    email_key: str = Field(sa_type=PlainText, unique=True, index=True)
    password_hash: str = Field(sa_type=PlainText)
    created_at: datetime = Field(sa_type=UtcDateTime)


class SessionRow(SQLModel, table=True):
    """One sign-in: what a refresh token is checked against, so that it can be revoked."""

    __tablename__: ClassVar[str] = "sessions"

    id: str = Field(primary_key=True, sa_type=PlainText)
    user_id: str = Field(sa_type=PlainText, foreign_key="users.id", ondelete="CASCADE", index=True)
    refresh_hash: str = Field(sa_type=PlainText)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class WorkflowRow(SQLModel, table=True):
    """A workflow as its owner edits it. ``definition`` stands last: lists sort and search without reading it.

    The index holds all that counting and ordering a list needs, its tie-breaker included.
    """

    __tablename__: ClassVar[str] = "workflows"
    __table_args__ = (Index("ix_workflows_owner_id_updated_at", "owner_id", "updated_at", "id"),)

    id: str = Field(primary_key=True, sa_type=PlainText)
    owner_id: str | None = Field(default=None, sa_type=PlainText, foreign_key="users.id", ondelete="CASCADE")
    is_public: bool
    version: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    name: str = Field(sa_type=PlainText)
    search_text: str = Field(sa_type=PlainText)
    description: str | None = Field(default=None, sa_type=PlainText)
    definition: dict[str, Any] = Field(sa_type=JSON)


class ShareRow(SQLModel, table=True):
    """What one user may do with a workflow of another's; ``permission`` is ``view``, ``run`` or ``edit``."""

    __tablename__: ClassVar[str] = "shares"
    __table_args__ = (UniqueConstraint("workflow_id", "user_id", name="uq_shares_workflow_id_user_id"),)

    id: str = Field(primary_key=True, sa_type=PlainText)
    workflow_id: str = Field(sa_type=PlainText, foreign_key="workflows.id", ondelete="CASCADE")
    user_id: str = Field(sa_type=PlainText, foreign_key="users.id", ondelete="CASCADE", index=True)
    permission: str = Field(sa_type=PlainText)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SnapshotRow(SQLModel, table=True):
    """A workflow as it was when it ran; ``id`` is the SHA-256 of its canonical JSON, so equal ones are one row."""

    __tablename__: ClassVar[str] = "snapshots"

    id: str = Field(primary_key=True, sa_type=PlainText)
    created_at: datetime = Field(sa_type=UtcDateTime)
    name: str = Field(sa_type=PlainText)
    search_text: str = Field(sa_type=PlainText)
    definition: dict[str, Any] = Field(sa_type=JSON)


class ExecutionRow(SQLModel, table=True):
    """One run of a snapshot. Its events are the truth; status, times and ``state`` repeat them for lists."""

    __tablename__: ClassVar[str] = "executions"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key", name="uq_executions_user_id_idempotency_key"),
        Index("ix_executions_user_id_created_at", "user_id", "created_at", "id"),
        Index("ix_executions_wake_at", "wake_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_executions_unfinished", "created_at", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
        Index("ix_executions_driver", "driver", sqlite_where=_DRIVEN, postgresql_where=_DRIVEN),
        Index("ix_executions_parent_id", "parent_id", "parent_path", sqlite_where=_CHILD, postgresql_where=_CHILD),
    )

    id: str = Field(primary_key=True, sa_type=PlainText)
    workflow_id: str | None = Field(
        default=None, sa_type=PlainText, foreign_key="workflows.id", ondelete="SET NULL", index=True
    )
    user_id: str | None = Field(default=None, sa_type=PlainText, foreign_key="users.id", ondelete="SET NULL")
    snapshot_id: str = Field(sa_type=PlainText, foreign_key="snapshots.id", index=True)
    status: str = Field(sa_type=PlainText)
    epoch: int
    """Rises with each take-over; events of an older epoch are refused."""
    idempotency_key: str | None = Field(default=None, sa_type=PlainText)
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    wake_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When an execution that waits goes on by itself; null: only by a signal."""
    priority: int = Field(default=5, sa_column_kwargs={"server_default": text("5")})
    """See ``domain.tickets.Priority``."""
    driver: str | None = Field(default=None, sa_type=PlainText)
    """The process (``workers.id``) that drives it or sees to it that another does; null when one is alone."""
    inputs: dict[str, Any] = Field(sa_type=JSON)
    state: dict[str, Any] | None = Field(default=None, sa_type=_JSON)  # type: ignore[arg-type]
    """``{"result", "error", "usage"}`` once the status is final."""
    parent_id: str | None = Field(default=None, sa_type=PlainText)
    """The execution whose node at ``parent_path`` started this one; no foreign key, since it may be deleted first."""
    parent_path: str | None = Field(default=None, sa_type=PlainText)
    depth: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many parents there are above."""
    options: dict[str, Any] | None = Field(default=None, sa_type=_JSON)  # type: ignore[arg-type]
    """``RunOptions``; null when nothing was asked."""


class EventRow(SQLModel, table=True):
    """One fact. ``data`` is JSON text, for the journal to read."""

    __tablename__: ClassVar[str] = "events"

    execution_id: str = Field(sa_type=PlainText, primary_key=True, foreign_key="executions.id", ondelete="CASCADE")
    seq: int = Field(primary_key=True)
    kind: str = Field(sa_type=PlainText)
    data: str = Field(sa_type=PlainText)


class PayloadRow(SQLModel, table=True):
    """A value too large for its event; ``id`` is the SHA-256 of ``data``, so equal ones are one row."""

    __tablename__: ClassVar[str] = "payloads"

    id: str = Field(primary_key=True, sa_type=PlainText)
    created_at: datetime = Field(sa_type=UtcDateTime)
    data: str = Field(sa_type=PlainText)


class PayloadUseRow(SQLModel, table=True):
    """An execution whose events name a payload; a payload that none names may go."""

    __tablename__: ClassVar[str] = "payload_uses"

    execution_id: str = Field(sa_type=PlainText, primary_key=True, foreign_key="executions.id", ondelete="CASCADE")
    payload_id: str = Field(sa_type=PlainText, primary_key=True, foreign_key="payloads.id", index=True)


class SignalRow(SQLModel, table=True):
    """What a waiting node instance waits for: an answer to an approval (the first counts), the end of a child."""

    __tablename__: ClassVar[str] = "signals"

    execution_id: str = Field(sa_type=PlainText, primary_key=True, foreign_key="executions.id", ondelete="CASCADE")
    path: str = Field(sa_type=PlainText, primary_key=True)
    payload: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)


class WorkerRow(SQLModel, table=True):
    """A process that drives executions, on a database that several share. It lives while it beats."""

    __tablename__: ClassVar[str] = "workers"

    id: str = Field(primary_key=True, sa_type=PlainText)
    host: str = Field(sa_type=PlainText)
    pid: int
    started_at: datetime = Field(sa_type=UtcDateTime)
    beat_at: datetime = Field(sa_type=UtcDateTime)
    """By the database's clock."""


class SettingsRow(SQLModel, table=True):
    """A user's settings, one row each; secrets inside are sealed by ``adapters/crypto.py``."""

    __tablename__: ClassVar[str] = "settings"

    id: str = Field(primary_key=True, sa_type=PlainText)
    user_id: str = Field(sa_type=PlainText, foreign_key="users.id", ondelete="CASCADE", unique=True, index=True)
    settings_data: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class SecretRow(SQLModel, table=True):
    """A user's secret, sealed by ``adapters/crypto.py``, and the only hosts it is sent to."""

    __tablename__: ClassVar[str] = "secrets"
    __table_args__ = (UniqueConstraint("user_id", "name", name="uq_secrets_user_id_name"),)

    id: str = Field(primary_key=True, sa_type=PlainText)
    user_id: str = Field(sa_type=PlainText, foreign_key="users.id", ondelete="CASCADE")
    name: str = Field(sa_type=PlainText)
    sealed: str = Field(sa_type=PlainText)
    hosts: list[str] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ApiKeyRow(SQLModel, table=True):
    """A key for scripts; ``key_hash`` is a hash of what its owner was shown once."""

    __tablename__: ClassVar[str] = "api_keys"

    id: str = Field(primary_key=True, sa_type=PlainText)
    user_id: str = Field(sa_type=PlainText, foreign_key="users.id", ondelete="CASCADE", index=True)
    name: str = Field(sa_type=PlainText)
    key_hash: str = Field(sa_type=PlainText, unique=True, index=True)
    last4: str = Field(sa_type=PlainText)
    scopes: list[str] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class McpServerRow(SQLModel, table=True):
    """An MCP server that a user has connected; ``data`` is ``McpStore``'s, what is secret in it is sealed."""

    __tablename__: ClassVar[str] = "mcp_servers"

    user_id: str = Field(sa_type=PlainText, primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    server_id: str = Field(sa_type=PlainText, primary_key=True)
    data: dict[str, Any] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class McpWorkflowRow(SQLModel, table=True):
    """A workflow that a user offers as a tool of AWE's own MCP server."""

    __tablename__: ClassVar[str] = "mcp_workflows"

    user_id: str = Field(sa_type=PlainText, primary_key=True, foreign_key="users.id", ondelete="CASCADE")
    workflow_id: str = Field(
        sa_type=PlainText, primary_key=True, foreign_key="workflows.id", ondelete="CASCADE", index=True
    )


class PasswordResetTokenRow(SQLModel, table=True):
    """A link to choose a new password; ``token`` is a hash of what the mail holds."""

    __tablename__: ClassVar[str] = "password_reset_tokens"

    id: str = Field(primary_key=True, sa_type=PlainText)
    user_id: str = Field(sa_type=PlainText, foreign_key="users.id", ondelete="CASCADE", index=True)
    token: str = Field(sa_type=PlainText, unique=True, index=True)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)


class CollectionRow(SQLModel, table=True):
    """A collection of documents as its owner set it up; ``(user_id, name)`` names its vectors in Chroma."""

    __tablename__: ClassVar[str] = "knowledge_collections"
    __table_args__ = (UniqueConstraint("user_id", "name", name="uq_knowledge_collections_user_id_name"),)

    id: str = Field(primary_key=True, sa_type=PlainText)
    user_id: str = Field(sa_type=PlainText, foreign_key="users.id", ondelete="CASCADE")
    name: str = Field(sa_type=PlainText)
    search_text: str = Field(sa_type=PlainText)
    description: str = Field(sa_type=PlainText)
    embedder: str = Field(sa_type=PlainText)
    chunk_chars: int
    overlap_chars: int
    by_headings: bool
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class DocumentRow(SQLModel, table=True):
    """A document of a collection, and how far its indexing is."""

    __tablename__: ClassVar[str] = "knowledge_documents"
    __table_args__ = (
        Index("ix_knowledge_documents_collection_id", "collection_id", "created_at", "id"),
        Index(
            "ix_knowledge_documents_waiting",
            "turn",
            "created_at",
            sqlite_where=_WAITING_DOCUMENT,
            postgresql_where=_WAITING_DOCUMENT,
        ),
    )

    id: str = Field(primary_key=True, sa_type=PlainText)
    collection_id: str = Field(sa_type=PlainText, foreign_key="knowledge_collections.id", ondelete="CASCADE")
    name: str = Field(sa_type=PlainText)
    search_text: str = Field(sa_type=PlainText)
    kind: str = Field(sa_type=PlainText)
    source: str = Field(sa_type=PlainText)
    media_type: str = Field(sa_type=PlainText)
    size_bytes: int
    status: str = Field(sa_type=PlainText)
    turn: int
    """How many documents of its collection waited before it: those of all collections take turns."""
    chunks: int
    chunks_done: int
    error: dict[str, Any] | None = Field(default=None, sa_type=_JSON)  # type: ignore[arg-type]
    leased_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Until then the process that indexes it has the word; later, another one may take it."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ContentRow(SQLModel, table=True):
    """What a document was made of: the file as it came, or text. A page's is fetched each time."""

    __tablename__: ClassVar[str] = "knowledge_contents"

    document_id: str = Field(
        sa_type=PlainText, primary_key=True, foreign_key="knowledge_documents.id", ondelete="CASCADE"
    )
    data: bytes
