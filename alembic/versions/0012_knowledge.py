"""Collections and their documents; their vectors are in Chroma."""

import sqlalchemy as sa

from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "knowledge_collections",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("embedder", sa.Text, nullable=False),
        sa.Column("chunk_chars", sa.Integer, nullable=False),
        sa.Column("overlap_chars", sa.Integer, nullable=False),
        sa.Column("by_headings", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("user_id", "name", name="uq_knowledge_collections_user_id_name"),
    )
    op.create_table(
        "knowledge_documents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(
            "collection_id",
            sa.Text,
            sa.ForeignKey("knowledge_collections.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("chunks", sa.Integer, nullable=False),
        sa.Column("chunks_done", sa.Integer, nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(
        "ix_knowledge_documents_collection_id", "knowledge_documents", ["collection_id", "created_at", "id"]
    )
    waiting = sa.text("status IN ('queued', 'indexing')")
    op.create_index(
        "ix_knowledge_documents_waiting",
        "knowledge_documents",
        ["turn", "created_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "knowledge_contents",
        sa.Column(
            "document_id",
            sa.Text,
            sa.ForeignKey("knowledge_documents.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Drop them; the vectors stay in Chroma and are of no use any more."""
    op.drop_table("knowledge_contents")
    op.drop_table("knowledge_documents")
    op.drop_table("knowledge_collections")
