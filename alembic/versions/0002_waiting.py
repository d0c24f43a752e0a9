"""Executions that wait: when they wake, and the answers they wait for."""

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WAITING = sa.text("status = 'waiting'")


def upgrade() -> None:
    """Add the moment of waking and the table of answers."""
    op.add_column("executions", sa.Column("wake_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_executions_wake_at", "executions", ["wake_at"], sqlite_where=_WAITING, postgresql_where=_WAITING
    )
    op.create_table(
        "signals",
        sa.Column("execution_id", sa.Text, sa.ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Take both away; answers are lost."""
    op.drop_table("signals")
    op.drop_index("ix_executions_wake_at", "executions")
    op.drop_column("executions", "wake_at")
