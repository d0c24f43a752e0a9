"""Executions started by a node of another one, and how an execution was asked to run."""

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CHILD = sa.text("parent_id IS NOT NULL")


def upgrade() -> None:
    """Add the link to the parent and the options."""
    op.add_column("executions", sa.Column("parent_id", sa.Text, nullable=True))
    op.add_column("executions", sa.Column("parent_path", sa.Text, nullable=True))
    op.add_column("executions", sa.Column("depth", sa.Integer, nullable=False, server_default="0"))
    op.add_column("executions", sa.Column("options", sa.JSON, nullable=True))
    op.create_index(
        "ix_executions_parent_id",
        "executions",
        ["parent_id", "parent_path"],
        sqlite_where=_CHILD,
        postgresql_where=_CHILD,
    )


def downgrade() -> None:
    """Take them away; children become executions of their own."""
    op.drop_index("ix_executions_parent_id", "executions")
    for column in ("options", "depth", "parent_path", "parent_id"):
        op.drop_column("executions", column)
