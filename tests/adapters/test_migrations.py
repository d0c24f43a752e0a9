"""Migrations make exactly the tables that the code declares."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from awe_app.adapters import tables
from awe_app.adapters.db import Database, sync_engine, upgrade
from awe_app.domain.errors import Unavailable


async def test_migrations_make_the_declared_tables_and_indexes(empty_database_url: str) -> None:
    await upgrade(empty_database_url)
    engine = sync_engine(empty_database_url)
    with engine.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.METADATA) == []
        indexed = {
            table: [set(index["column_names"]) for index in inspect(connection).get_indexes(table)]
            for table in tables.METADATA.tables
        }
    engine.dispose()
    assert {"username"} in indexed["users"]
    assert {"email"} in indexed["users"]
    assert {"owner_id", "updated_at", "id"} in indexed["workflows"]
    assert {"workflow_id"} in indexed["executions"]
    assert {"user_id", "created_at", "id"} in indexed["executions"]
    assert {"user_id"} in indexed["settings"]
    assert {"token"} in indexed["password_reset_tokens"]


async def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    await upgrade(empty_database_url)
    await upgrade(empty_database_url)


def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    code = f"import asyncio; from awe_app.adapters.db import upgrade; asyncio.run(upgrade({empty_database_url!r}))"
    root = Path(__file__).parents[2]
    started = [subprocess.Popen([sys.executable, "-c", code], cwd=root, stderr=subprocess.PIPE) for _ in range(4)]
    errors = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4, errors


async def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    await upgrade(f"sqlite+aiosqlite:///{tmp_path}/new/deep/awe.db")
    assert (tmp_path / "new/deep/awe.db").exists()


async def test_a_server_out_of_reach_is_named_without_its_password() -> None:
    with pytest.raises(Unavailable) as caught:
        await upgrade("postgresql+asyncpg://u:hush@127.0.0.1:9/x")
    assert caught.value.code == "STORAGE_ERROR"
    assert "127.0.0.1:9" in caught.value.detail
    assert "hush" not in caught.value.detail


async def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(Unavailable, match=r"taken/awe\.db"):
        await upgrade(f"sqlite+aiosqlite:///{tmp_path}/taken/awe.db")


async def test_a_failed_migration_leaves_nothing_behind(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    real = op.create_table

    def break_at_events(name: str, *columns: object, **options: object) -> object:
        if name == "events":
            raise OSError("disk full")
        return real(name, *columns, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(op, "create_table", break_at_events)
        with pytest.raises(Unavailable, match="disk full"):
            await upgrade(empty_database_url)
    engine = sync_engine(empty_database_url)
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
    await upgrade(empty_database_url)


async def test_a_database_may_be_stopped_before_it_was_started(database_url: str) -> None:
    await Database(database_url).stop()
