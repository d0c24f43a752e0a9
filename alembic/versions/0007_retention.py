"""Finding out quickly whether a workflow's snapshot is still needed."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_executions_snapshot_id", "executions", ["snapshot_id"])


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_executions_snapshot_id", "executions")
