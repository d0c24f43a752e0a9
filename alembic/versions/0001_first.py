"""The first tables."""

import sqlalchemy as sa

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=nullable)


def _reference(name: str, to: str, ondelete: str | None, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text, sa.ForeignKey(to, ondelete=ondelete), nullable=nullable)


def _id() -> sa.Column:
    return sa.Column("id", sa.Text, primary_key=True)


def upgrade() -> None:
    """Make all tables and their indexes."""
    op.create_table(
        "users",
        _id(),
        _text("username"),
        _text("username_key"),
        _text("email"),
        _text("email_key"),
        _text("password_hash"),
        _moment("created_at"),
    )
    for column in ("username", "username_key", "email", "email_key"):
        op.create_index(f"ix_users_{column}", "users", [column], unique=True)

    op.create_table(
        "sessions",
        _id(),
        _reference("user_id", "users.id", "CASCADE"),
        _text("refresh_hash"),
        _moment("expires_at"),
        _moment("revoked_at", nullable=True),
        _moment("created_at"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])

    op.create_table(
        "workflows",
        _id(),
        _reference("owner_id", "users.id", "CASCADE", nullable=True),
        sa.Column("is_public", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        _text("name"),
        _text("search_text"),
        _text("description", nullable=True),
        sa.Column("definition", sa.JSON, nullable=False),
    )
    op.create_index("ix_workflows_owner_id_updated_at", "workflows", ["owner_id", "updated_at", "id"])

    op.create_table(
        "snapshots",
        _id(),
        _moment("created_at"),
        _text("name"),
        _text("search_text"),
        sa.Column("definition", sa.JSON, nullable=False),
    )

    unfinished = sa.text("status IN ('pending', 'running', 'waiting')")
    op.create_table(
        "executions",
        _id(),
        _reference("workflow_id", "workflows.id", "SET NULL", nullable=True),
        _reference("user_id", "users.id", "SET NULL", nullable=True),
        _reference("snapshot_id", "snapshots.id", None),
        _text("status"),
        sa.Column("epoch", sa.Integer, nullable=False),
        _text("idempotency_key", nullable=True),
        _moment("created_at"),
        _moment("started_at", nullable=True),
        _moment("completed_at", nullable=True),
        sa.Column("inputs", sa.JSON, nullable=False),
        sa.Column("state", sa.JSON, nullable=True),
        sa.UniqueConstraint("user_id", "idempotency_key", name="uq_executions_user_id_idempotency_key"),
    )
    op.create_index("ix_executions_workflow_id", "executions", ["workflow_id"])
    op.create_index("ix_executions_user_id_created_at", "executions", ["user_id", "created_at", "id"])
    op.create_index(
        "ix_executions_unfinished",
        "executions",
        ["created_at"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )

    op.create_table(
        "events",
        _reference("execution_id", "executions.id", "CASCADE"),
        sa.Column("seq", sa.Integer, nullable=False),
        _text("kind"),
        _text("data"),
        sa.PrimaryKeyConstraint("execution_id", "seq"),
    )

    op.create_table(
        "settings",
        _id(),
        _reference("user_id", "users.id", "CASCADE"),
        sa.Column("settings_data", sa.JSON, nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
    )
    op.create_index("ix_settings_user_id", "settings", ["user_id"], unique=True)

    op.create_table(
        "password_reset_tokens",
        _id(),
        _reference("user_id", "users.id", "CASCADE"),
        _text("token"),
        _moment("expires_at"),
        sa.Column("used", sa.Boolean, nullable=False),
        _moment("created_at"),
    )
    op.create_index("ix_password_reset_tokens_token", "password_reset_tokens", ["token"], unique=True)
    op.create_index("ix_password_reset_tokens_user_id", "password_reset_tokens", ["user_id"])


def downgrade() -> None:
    """Drop all tables."""
    for table in (
        "password_reset_tokens",
        "settings",
        "events",
        "executions",
        "snapshots",
        "workflows",
        "sessions",
        "users",
    ):
        op.drop_table(table)
