"""The journal's statements, for SQLite and for PostgreSQL.

Each writes many rows at once. On SQLite that is more than taste: Python's driver lets go of the interpreter at every
step of a statement and gets it back only when the event loop pauses, so a statement for each row would crawl while
nodes run. Rows therefore travel in statements of a few fixed sizes, which stay prepared.

What the writer's thread says at every commit goes to the driver itself: SQLAlchemy's part of a statement costs more
than SQLite's.
"""
# ruff: noqa: S608  (statements are put together from constants; values are always parameters)

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import Connection

from awe_app.adapters.columns import sqlite_moment

_FINAL = "('completed', 'failed', 'cancelled')"
_NEWEST_COUNTS = (
    "ON CONFLICT (execution_id, path) DO UPDATE SET payload = excluded.payload, created_at = excluded.created_at"
)
_SIZES = (256, 128, 64, 32, *range(16, 0, -1))
"""Rows in one statement on SQLite: any number takes few statements, and all of them fit into the driver's cache."""

Row = tuple[Any, ...]


class Driver(Protocol):
    """A connection of ``sqlite3`` or ``psycopg``. Its errors are the driver's own."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Run one statement; gives a cursor."""
        ...


class Statements(Protocol):
    """What the journal asks of a database. Rows are tuples in the order that each docstring says."""

    def moment(self, moment: datetime) -> str:
        """A time as the other statements take it."""
        ...

    def add_snapshots(self, driver: Driver, rows: Sequence[Row]) -> None:
        """``id, created_at, name, search_text, definition``; those that are there stay."""
        ...

    def add_executions(self, driver: Driver, rows: Sequence[Row]) -> list[str]:
        """Store executions as pending, epoch 1.

        ``id, workflow_id, user_id, snapshot_id, idempotency_key, created_at, inputs, options, parent_id, parent_path,
        depth, priority, driver``.

        Gives the ids that were stored; the others' idempotency keys were taken. A workflow that was deleted
        meanwhile becomes null.
        """
        ...

    def standing(self, driver: Driver, ids: Sequence[str]) -> list[Row]:
        """``id, epoch, status, last seq, parent_id, parent_path``, which nobody else can change until the commit."""
        ...

    def version(self, driver: Driver) -> int | None:
        """Another number once somebody else has changed anything in the database; None: not known, ask for all.

        Asked inside the transaction: what the connection knew at the same number is so still, until the commit.
        """
        ...

    def add_events(self, driver: Driver, rows: Sequence[Row]) -> None:
        """``execution_id, seq, kind, data``."""
        ...

    def add_payloads(self, driver: Driver, rows: Sequence[Row], uses: Sequence[Row]) -> None:
        """``id, created_at, data``, and ``execution_id, payload_id``; those that are there stay."""
        ...

    def payloads(self, connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
        """Id and data of the payloads."""
        ...

    def change_executions(self, driver: Driver, rows: Sequence[Row]) -> None:
        """``id, status, started_at, completed_at, state, wake_at``; a final status is never changed."""
        ...

    def add_signals(self, driver: Driver, rows: Sequence[Row]) -> None:
        """``execution_id, path, payload, created_at``; the newest counts. Those of no execution are left out."""
        ...

    def events(
        self, connection: Connection, execution_id: str, after_seq: int, limit: int
    ) -> list[tuple[int, str, Any]]:
        """Seq, kind and data of the first ``limit`` events after ``after_seq``, in order."""
        ...


class SqliteStatements:
    """``Statements`` for SQLite, inside ``BEGIN IMMEDIATE``."""

    def moment(self, moment: datetime) -> str:
        """As ``UtcDateTime`` keeps it."""
        return sqlite_moment(moment)

    def add_snapshots(self, driver: Driver, rows: Sequence[Row]) -> None:
        """See ``Statements``."""
        for size, parameters in _chunks(rows):
            driver.execute(_sqlite_snapshots(size), parameters)

    def add_executions(self, driver: Driver, rows: Sequence[Row]) -> list[str]:
        """See ``Statements``."""
        stored = 0
        for size, parameters in _chunks(rows):
            stored += driver.execute(_sqlite_executions(size), parameters).rowcount
        ids = [row[0] for row in rows]
        return ids if stored == len(ids) else [row[0] for row in self.standing(driver, ids)]

    def standing(self, driver: Driver, ids: Sequence[str]) -> list[Row]:
        """See ``Statements``."""
        sql = (
            "SELECT json_group_array(json_array(id, epoch, status,"
            " coalesce((SELECT max(seq) FROM events WHERE execution_id = executions.id), 0), parent_id, parent_path))"
            " FROM executions WHERE id IN (SELECT value FROM json_each(?))"
        )
        return json.loads(driver.execute(sql, (json.dumps(ids),)).fetchone()[0])

    def version(self, driver: Driver) -> int | None:
        """See ``Statements``. Commits of this connection do not change it."""
        return driver.execute("PRAGMA data_version").fetchone()[0]

    def add_events(self, driver: Driver, rows: Sequence[Row]) -> None:
        """See ``Statements``."""
        for size, parameters in _chunks(rows):
            driver.execute(_sqlite_events(size), parameters)

    def add_payloads(self, driver: Driver, rows: Sequence[Row], uses: Sequence[Row]) -> None:
        """See ``Statements``. One statement for each value: they are large."""
        for row in rows:
            sql = "INSERT INTO payloads (id, created_at, data) VALUES (?,?,?) ON CONFLICT DO NOTHING"
            driver.execute(sql, row)
        for size, parameters in _chunks(uses):
            driver.execute(_sqlite_payload_uses(size), parameters)

    def payloads(self, connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
        """See ``Statements``."""
        sql = "SELECT id, data FROM payloads WHERE id IN (SELECT value FROM json_each(?))"
        return [tuple(row) for row in connection.exec_driver_sql(sql, (json.dumps(list(ids)),))]

    def change_executions(self, driver: Driver, rows: Sequence[Row]) -> None:
        """See ``Statements``."""
        for size, parameters in _chunks(rows):
            driver.execute(_sqlite_changes(size), parameters)

    def add_signals(self, driver: Driver, rows: Sequence[Row]) -> None:
        """See ``Statements``."""
        sql = (
            "INSERT INTO signals (execution_id, path, payload, created_at)"
            " SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM executions WHERE id = ?)"
            f" {_NEWEST_COUNTS}"
        )
        for row in rows:
            driver.execute(sql, (*row, row[0]))

    def events(
        self, connection: Connection, execution_id: str, after_seq: int, limit: int
    ) -> list[tuple[int, str, Any]]:
        """See ``Statements``. All rows come as one text, in one step."""
        sql = (
            "SELECT group_concat('[' || seq || ',\"' || kind || '\",' || data || ']') FROM"
            " (SELECT seq, kind, data FROM events WHERE execution_id = ? AND seq > ? ORDER BY seq LIMIT ?)"
        )
        return _rows(connection.exec_driver_sql(sql, (execution_id, after_seq, limit)).scalar())


class PostgresStatements:
    """``Statements`` for PostgreSQL by psycopg: one array for each column."""

    def moment(self, moment: datetime) -> str:
        """ISO 8601 with its offset."""
        return moment.isoformat()

    def add_snapshots(self, driver: Driver, rows: Sequence[Row]) -> None:
        """See ``Statements``. Ordered, so that two processes cannot wait for each other."""
        sql = (
            "INSERT INTO snapshots (id, created_at, name, search_text, definition)"
            " SELECT a, b::timestamptz, c, d, e::json"
            " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[]) AS v (a, b, c, d, e)"
            " ORDER BY a ON CONFLICT DO NOTHING"
        )
        driver.execute(sql, _columns(rows))

    def add_executions(self, driver: Driver, rows: Sequence[Row]) -> list[str]:
        """See ``Statements``."""
        sql = (
            "INSERT INTO executions (id, workflow_id, user_id, snapshot_id, status, epoch, idempotency_key,"
            " created_at, inputs, options, parent_id, parent_path, depth, priority, driver)"
            " SELECT a, (SELECT id FROM workflows WHERE id = b), c, d, 'pending', 1, e, f::timestamptz, g::json,"
            " h::json, i, j, k, l, m"
            " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
            " %s::text[], %s::text[], %s::text[], %s::int[], %s::int[], %s::text[])"
            " AS v (a, b, c, d, e, f, g, h, i, j, k, l, m) ORDER BY c, e"
            " ON CONFLICT (user_id, idempotency_key) DO NOTHING RETURNING id"
        )
        return [row[0] for row in driver.execute(sql, _columns(rows))]

    def standing(self, driver: Driver, ids: Sequence[str]) -> list[Row]:
        """See ``Statements``. Rows are locked in the order of their ids, so that writers cannot wait for each other."""
        sql = (
            "SELECT id, epoch, status, coalesce((SELECT max(seq) FROM events WHERE execution_id = e.id), 0),"
            " parent_id, parent_path"
            " FROM executions AS e WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
        )
        return [tuple(row) for row in driver.execute(sql, (list(ids),))]

    def version(self, driver: Driver) -> int | None:
        """See ``Statements``. Rows have to be locked here, so they are read at every commit."""
        return None

    def add_events(self, driver: Driver, rows: Sequence[Row]) -> None:
        """See ``Statements``."""
        sql = (
            "INSERT INTO events (execution_id, seq, kind, data)"
            " SELECT * FROM unnest(%s::text[], %s::int[], %s::text[], %s::text[])"
        )
        driver.execute(sql, _columns(rows))

    def add_payloads(self, driver: Driver, rows: Sequence[Row], uses: Sequence[Row]) -> None:
        """See ``Statements``. Ordered, so that two processes cannot wait for each other."""
        for row in sorted(rows):
            sql = "INSERT INTO payloads (id, created_at, data) VALUES (%s, %s::timestamptz, %s) ON CONFLICT DO NOTHING"
            driver.execute(sql, row)
        sql = (
            "INSERT INTO payload_uses (execution_id, payload_id) SELECT * FROM unnest(%s::text[], %s::text[])"
            " ON CONFLICT DO NOTHING"
        )
        driver.execute(sql, _columns(sorted(uses, key=lambda use: use[1])))

    def payloads(self, connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
        """See ``Statements``."""
        sql = "SELECT id, data FROM payloads WHERE id = ANY(%s)"
        return [tuple(row) for row in connection.exec_driver_sql(sql, (list(ids),))]

    def change_executions(self, driver: Driver, rows: Sequence[Row]) -> None:
        """See ``Statements``."""
        sql = (
            "UPDATE executions SET status = b, started_at = coalesce(started_at, c::timestamptz),"
            " completed_at = d::timestamptz, state = f::json, wake_at = g::timestamptz"
            " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
            " AS v (a, b, c, d, f, g)"
            f" WHERE id = a AND status NOT IN {_FINAL}"
        )
        driver.execute(sql, _columns(rows))

    def add_signals(self, driver: Driver, rows: Sequence[Row]) -> None:
        """See ``Statements``. Parents' rows are not touched: two writers could wait for each other."""
        sql = (
            "INSERT INTO signals (execution_id, path, payload, created_at)"
            " SELECT a, b, c::json, d::timestamptz FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
            " AS v (a, b, c, d) WHERE EXISTS (SELECT 1 FROM executions WHERE id = a) ORDER BY a, b"
            f" {_NEWEST_COUNTS}"
        )
        driver.execute(sql, _columns(rows))

    def events(
        self, connection: Connection, execution_id: str, after_seq: int, limit: int
    ) -> list[tuple[int, str, Any]]:
        """See ``Statements``."""
        sql = "SELECT seq, kind, data FROM events WHERE execution_id = %s AND seq > %s ORDER BY seq LIMIT %s"
        rows = connection.exec_driver_sql(sql, (execution_id, after_seq, limit))
        return [(seq, kind, json.loads(data)) for seq, kind, data in rows]


def statements_for(url: str) -> Statements:
    """The statements for the database at ``url``."""
    return SqliteStatements() if url.startswith("sqlite") else PostgresStatements()


def _chunks(rows: Sequence[Row]) -> Iterator[tuple[int, Row]]:
    """How many rows, and their flat parameters, of statements that together hold all rows."""
    start, left = 0, len(rows)
    for size in _SIZES:
        while left >= size:
            some = rows[start : start + size]
            yield size, tuple(chain.from_iterable(some))
            start, left = start + size, left - size


def _by_size(before: str, row: str, after: str = "") -> Callable[[int], str]:
    """Makes the statement for so many rows, once."""
    return cache(lambda size: f"{before} {','.join([row] * size)}{after}")


_sqlite_snapshots = _by_size(
    "INSERT INTO snapshots (id, created_at, name, search_text, definition) VALUES",
    "(?,?,?,?,?)",
    " ON CONFLICT DO NOTHING",
)
_sqlite_executions = _by_size(
    "INSERT INTO executions (id, workflow_id, user_id, snapshot_id, status, epoch, idempotency_key,"
    " created_at, inputs, options, parent_id, parent_path, depth, priority, driver) VALUES",
    "(?,(SELECT id FROM workflows WHERE id = ?),?,?,'pending',1,?,?,?,?,?,?,?,?,?)",
    " ON CONFLICT (user_id, idempotency_key) DO NOTHING",
)
_sqlite_events = _by_size("INSERT INTO events (execution_id, seq, kind, data) VALUES", "(?,?,?,?)")
_sqlite_payload_uses = _by_size(
    "INSERT INTO payload_uses (execution_id, payload_id) VALUES", "(?,?)", " ON CONFLICT DO NOTHING"
)
_sqlite_changes = _by_size(
    "WITH v (id, status, started_at, completed_at, state, wake_at) AS (VALUES",
    "(?,?,?,?,?,?)",
    ") UPDATE executions SET status = v.status, started_at = coalesce(executions.started_at, v.started_at),"
    " completed_at = v.completed_at, state = v.state, wake_at = v.wake_at"
    f" FROM v WHERE executions.id = v.id AND executions.status NOT IN {_FINAL}",
)


def _columns(rows: Sequence[Row]) -> Row:
    return tuple(list(column) for column in zip(*rows, strict=True))


def _rows(joined: str | None) -> list[tuple[int, str, Any]]:
    return json.loads(f"[{joined}]") if joined else []
