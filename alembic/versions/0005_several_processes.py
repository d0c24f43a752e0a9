"""Several processes: who drives an execution, which processes live, and priorities."""

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0003"
branch_labels = None
depends_on = None

_DRIVEN = sa.text("status IN ('pending', 'running')")


def upgrade() -> None:
    """Add priority and driver to executions, and the table of processes."""
    op.add_column("executions", sa.Column("priority", sa.Integer, nullable=False, server_default=sa.text("5")))
    op.add_column("executions", sa.Column("driver", sa.Text, nullable=True))
    op.create_index("ix_executions_driver", "executions", ["driver"], sqlite_where=_DRIVEN, postgresql_where=_DRIVEN)
    op.create_table(
        "workers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Take them away."""
    op.drop_table("workers")
    op.drop_index("ix_executions_driver", "executions")
    op.drop_column("executions", "driver")
    op.drop_column("executions", "priority")
