"""Keys for scripts."""

import sqlalchemy as sa

from alembic import op
from awe_app.adapters.columns import PlainText, UtcDateTime

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "api_keys",
        sa.Column("id", PlainText(), primary_key=True),
        sa.Column("user_id", PlainText(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", PlainText(), nullable=False),
        sa.Column("key_hash", PlainText(), nullable=False),
        sa.Column("last4", PlainText(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])
    op.create_index("ix_api_keys_key_hash", "api_keys", ["key_hash"], unique=True)


def downgrade() -> None:
    """Drop it, and with it every key."""
    op.drop_table("api_keys")
