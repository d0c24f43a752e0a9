"""The database: connections for the event loop and for threads, and bringing the tables up to date."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from awe_app.adapters.storable import to_json
from awe_app.domain.errors import Unavailable

_MIGRATIONS = Path(__file__).parents[2] / "alembic"
_BUSY_TIMEOUT_S = 30
_MIGRATION_LOCK = 4_157_365
"""Any number that nothing else in the database uses."""
SESSION = {
    "idle_in_transaction_session_timeout": "5000",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""What PostgreSQL is told for every connection, in ms and s. A process frozen inside a transaction, or a machine that
has gone, would otherwise hold its row locks, and nobody could take its executions over.
"""
_one_at_a_time = threading.Lock()
"""Alembic keeps its state in globals."""
_SYNC_DRIVERS = {"sqlite+aiosqlite": "sqlite+pysqlite", "postgresql+asyncpg": "postgresql+psycopg"}
ResultT = TypeVar("ResultT")


class Database:
    """One database, ``sqlite+aiosqlite:///…`` or ``postgresql+asyncpg://…``. Opens nothing before ``start``."""

    sessions: async_sessionmaker[AsyncSession]
    """``async with database.sessions() as session``, or ``database.sessions.begin()`` to commit at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self._engine: AsyncEngine | None = None
        self._reader: _Reader | None = None

    async def start(self) -> None:
        """Open the connection pool on the running loop. The tables must be there: see ``upgrade``."""
        pool: dict[str, Any] = {"pool_size": 5, "max_overflow": 5} if self.is_sqlite else {"pool_pre_ping": True}
        self._engine = async_engine(self.url, **pool)
        if self.is_sqlite:
            event.listen(self._engine.sync_engine, "connect", _set_pragmas)
        event.listen(self._engine.sync_engine, "handle_error", _say_unavailable)
        self.sessions = async_sessionmaker(self._engine, expire_on_commit=False)

    def read(self, work: Callable[[Connection], ResultT]) -> asyncio.Future[ResultT]:
        """Run ``work`` on the one thread that reads, where each statement stands for itself.

        For the few reads that every request makes. A session of the loop costs five exchanges with a thread, and each
        of them waits for the interpreter while others compute; this is one.

        The future raises:
            Unavailable: ``STORAGE_ERROR``.
        """
        if self._engine is None:
            raise RuntimeError("the database is not open: call start() first, and nothing after stop()")
        if self._reader is None:
            self._reader = _Reader(self.url)
        return self._reader.run(work)

    async def stop(self) -> None:
        """Close every connection; harmless when not started."""
        engine, self._engine = self._engine, None
        reader, self._reader = self._reader, None
        if reader is not None:
            await asyncio.to_thread(reader.close)
        if engine is not None:
            await engine.dispose()


class _Reader:
    """One thread with a connection of its own."""

    def __init__(self, url: str) -> None:
        self._engine = sync_engine(url, read_only=True)
        self._thread = ThreadPoolExecutor(1, "awe-reader")

    def run(self, work: Callable[[Connection], ResultT]) -> asyncio.Future[ResultT]:
        return asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[Connection], ResultT]) -> ResultT:
        try:
            try:
                return self._once(work)
            except (OperationalError, InterfaceError):  # the connection broke: once more, on a fresh one
                return self._once(work)
        except SQLAlchemyError as error:
            raise storage_error(error)() from error

    def _once(self, work: Callable[[Connection], ResultT]) -> ResultT:
        with self._engine.connect() as connection:
            return work(connection)

    def close(self) -> None:
        self._thread.shutdown()
        self._engine.dispose()


def async_engine(url: str, **pool: Any) -> AsyncEngine:
    """An engine for the running loop."""
    # Parameters are people's data and do not belong into logs.
    arguments = {} if url.startswith("sqlite") else {"server_settings": SESSION}
    return create_async_engine(url, json_serializer=to_json, hide_parameters=True, connect_args=arguments, **pool)


def session_options() -> str:
    """``SESSION`` as libpq's parameter ``options``."""
    return " ".join(f"-c {name}={value}" for name, value in SESSION.items())


def sync_engine(url: str, *, read_only: bool = False) -> Engine:
    """An engine for threads, on the same database.

    On SQLite each transaction takes the write lock when it begins, so that what it reads cannot change under it.
    With ``read_only`` there are no transactions, and no lock: each statement stands for itself.
    """
    parsed = make_url(url)
    driver = _SYNC_DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ValueError(f"database driver {parsed.drivername!r} is not known; use one of {sorted(_SYNC_DRIVERS)}")
    options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if read_only else {}
    if parsed.get_backend_name() == "postgresql":
        options["connect_args"] = {"options": session_options()}
    # Parameters are people's data and do not belong into logs.
    engine = create_engine(parsed.set(drivername=driver), json_serializer=to_json, hide_parameters=True, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
        if not read_only:
            event.listen(engine, "connect", _leave_transactions_to_us)
            event.listen(engine, "begin", _take_the_write_lock)
    return engine


async def upgrade(url: str) -> None:
    """Bring the tables to the newest form, making the database file where there is none; safe from several processes.

    Raises:
        Unavailable: ``STORAGE_ERROR`` when the database cannot be reached or changed.
    """
    await asyncio.to_thread(_upgrade, url)


def _is_current(url: str) -> bool:
    """Whether the newest migration has run: asked first, because Alembic takes longer to import than all the rest."""
    newest = max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    engine = sync_engine(url)
    try:
        if engine.dialect.name == "sqlite" and engine.url.database and not Path(engine.url.database).exists():
            return False
        with engine.connect() as connection:
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == newest
    except (SQLAlchemyError, sqlite3.Error):
        return False  # no tables yet, or no database: migrating says which
    finally:
        engine.dispose()


def _upgrade(url: str) -> None:
    if _is_current(url):
        return
    from alembic.config import Config

    from alembic import command

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    engine = sync_engine(url)
    try:
        if engine.dialect.name == "sqlite" and engine.url.database:
            Path(engine.url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _one_at_a_time, engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                # Several workers may start at once: one migrates, the others wait and then find nothing to do.
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (OSError, sqlite3.Error) as error:
        raise _unavailable(url, error) from error
    except Exception as error:
        if type(error).__module__.startswith(("sqlalchemy", "alembic")):
            raise _unavailable(url, error) from error
        raise
    finally:
        engine.dispose()


def storage_error(error: Exception) -> Callable[[], Unavailable]:
    """``Unavailable`` with the database's own words, without statement and parameters."""
    reason = reason_of(error)
    return lambda: Unavailable(
        "STORAGE_ERROR",
        f"the database refused: {reason}",
        "the server's log has more; what is unfinished goes on later",
    )


def _say_unavailable(context: ExceptionContext) -> None:
    """What is the database's trouble (busy, full, away) is Unavailable to everybody; what is ours stays as it is."""
    error = context.sqlalchemy_exception
    ours = IntegrityError, ProgrammingError, DataError, NotSupportedError
    if isinstance(error, DBAPIError) and not isinstance(error, ours) and not context.is_pre_ping:
        raise storage_error(error)() from error


def reason_of(error: Exception) -> str:
    """The database's own words, on one line."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(cause).split()) or type(cause).__name__


def _unavailable(url: str, error: Exception) -> Unavailable:
    where = make_url(url).render_as_string(hide_password=True)
    return Unavailable("STORAGE_ERROR", f"the database {where} cannot be brought up to date: {error}")


def _set_pragmas(connection: Any, _record: object) -> None:
    """Set what SQLite forgets with each connection.

    ``synchronous=FULL`` syncs the write-ahead log at each commit, so that a 202 outlives a power cut;
    ``adapters/journal.py`` has the figures.
    """
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_S * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # Copying the log into the file stops whoever commits; four times rarer than usual, since pages repeat in the log.
    cursor.execute("PRAGMA wal_autocheckpoint = 4000")
    cursor.close()


def _take_the_write_lock(connection: Connection) -> None:
    """Said to the driver: at every commit of the journal, SQLAlchemy's way to say it costs more than all it does."""
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN IMMEDIATE")


def _leave_transactions_to_us(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
