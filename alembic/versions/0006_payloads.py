"""Large values beside the journal."""

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the values and which execution needs which."""
    op.create_table(
        "payloads",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_table(
        "payload_uses",
        sa.Column("execution_id", sa.Text, sa.ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("payload_id", sa.Text, sa.ForeignKey("payloads.id"), primary_key=True),
    )
    op.create_index("ix_payload_uses_payload_id", "payload_uses", ["payload_id"])


def downgrade() -> None:
    """Take both away; large values are lost, their previews stay."""
    op.drop_table("payload_uses")
    op.drop_table("payloads")
