"""MCP: the servers that users have connected, and the workflows they offer as tools."""

import sqlalchemy as sa

from alembic import op

revision = "0010"
down_revision = "0011"  # numbers were given out before they landed
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "mcp_servers",
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("server_id", sa.Text, primary_key=True),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "mcp_workflows",
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("workflow_id", sa.Text, sa.ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_mcp_workflows_workflow_id", "mcp_workflows", ["workflow_id"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("mcp_workflows")
    op.drop_table("mcp_servers")
