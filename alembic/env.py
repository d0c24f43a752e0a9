"""Runs migrations: on the connection ``adapters/db.py`` hands over, or by ``alembic`` on the command line."""

from sqlalchemy import Connection

from alembic import context
from awe_app.adapters import tables
from awe_app.adapters.db import sync_engine
from awe_app.settings import load_environment


def migrate(connection: Connection) -> None:
    """Run what is missing, all in the one transaction that the connection is in."""
    context.configure(
        connection=connection,
        target_metadata=tables.METADATA,
        # SQLite can roll DDL back too, once Python's driver leaves BEGIN to us.
        transactional_ddl=True,
        # SQLite alters a table by copying it.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


if handed_over := context.config.attributes.get("connection"):
    migrate(handed_over)
else:
    engine = sync_engine(load_environment().database_url)
    with engine.begin() as own:
        migrate(own)
    engine.dispose()
