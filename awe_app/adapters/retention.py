"""Deleting executions that ended long ago, with all that only they need.

A thread of its own, on its own connection: it never waits on the event loop. It works in small transactions, so that
nobody waits for it either; on PostgreSQL a lock sees to it that one process at a time does.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, exists, func, or_, select
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import aliased
from sqlmodel import col

from awe_app.adapters.db import reason_of, sync_engine
from awe_app.adapters.tables import ExecutionRow, PayloadRow, PayloadUseRow, SnapshotRow
from awe_app.domain.execution import FINAL_STATUSES
from awe_app.domain.ids import utc_now

logger = logging.getLogger(__name__)

EVERY_S = 3_600.0
FIRST_AFTER_S = 60.0
"""Starting is busy enough."""
PAUSE_S = 0.05
"""Between two transactions, for others who want to write."""
BATCH = 20
"""Executions in one transaction."""
ROUND = 10_000
"""Executions that are looked for at once."""
_LOCK = 4_157_366
"""Any number that nothing else in the database uses (``db.py`` has the one before)."""

_IN_USE = (IntegrityError, OperationalError)
"""What was old is needed again, or two processes waited for each other: next time."""

ItemT = TypeVar("ItemT")


class Retention:
    """Keeps ended executions for ``keep_days`` days; unfinished ones, and what they need, stay."""

    def __init__(self, url: str, keep_days: int) -> None:
        self._url = url
        self._keep = timedelta(days=keep_days)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look, every hour."""
        self._thread = threading.Thread(target=self._work, name="awe-retention", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the transaction that is open, and wait for that; harmless when not started."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        wait_s = FIRST_AFTER_S
        while not self._stopped.wait(wait_s):
            try:
                if deleted := self.sweep(utc_now()):
                    logger.info("deleted %d executions that ended more than %d days ago", deleted, self._keep.days)
            except SQLAlchemyError:
                logger.exception("deleting old executions failed; trying again in an hour")
            wait_s = EVERY_S

    def sweep(self, now: datetime) -> int:
        """Delete all that is too old at ``now``; gives how many executions. Blocks."""
        engine, reading = sync_engine(self._url), sync_engine(self._url, read_only=True)
        deleted = 0
        try:
            while not self._stopped.is_set():
                with reading.connect() as connection:
                    found = select(col(ExecutionRow.id)).where(_over_before(now - self._keep)).limit(ROUND)
                    ids = list(connection.scalars(found))
                done, alone = self._delete(engine, ids, now)
                deleted += done
                if not done or not alone:
                    break
            self._delete_snapshots(engine, reading)
        finally:
            engine.dispose()
            reading.dispose()
        return deleted

    def _delete(self, engine: Engine, ids: Sequence[str], now: datetime) -> tuple[int, bool]:
        """Delete these, a few at a time; gives how many, and False when another process has come in between."""
        deleted = 0
        for some in _slices(ids, BATCH):
            try:
                with engine.begin() as connection:
                    if not _alone(connection):
                        return deleted, False
                    deleted += _delete_batch(connection, some, now - self._keep)
            except _IN_USE as error:
                logger.warning("some old executions stay for now: %s", reason_of(error))
            if self._stopped.wait(PAUSE_S):
                break
        return deleted, True

    def _delete_snapshots(self, engine: Engine, reading: Engine) -> None:
        """Delete workflows as they were when nothing ran that is still known.

        Each in a transaction of its own: who starts an execution holds one and may want another.
        """
        with reading.connect() as connection:
            ids = list(connection.scalars(select(col(SnapshotRow.id)).where(_unneeded())))
        for snapshot_id in ids:
            if self._stopped.is_set():
                return
            try:
                with engine.begin() as connection:
                    connection.execute(delete(SnapshotRow).where(col(SnapshotRow.id) == snapshot_id, _unneeded()))
            except _IN_USE as error:
                logger.warning("an old snapshot stays for now: %s", reason_of(error))


def _unneeded() -> ColumnElement[bool]:
    return ~exists().where(col(ExecutionRow.snapshot_id) == col(SnapshotRow.id))


def _alone(connection: Connection) -> bool:
    """Whether no other process deletes now; holds until the transaction ends. On SQLite there is one writer anyway."""
    if connection.dialect.name == "sqlite":
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))))


def _over_before(moment: datetime) -> ColumnElement[bool]:
    """Ended before that, and not started by a node of an execution that still goes on."""
    parent = aliased(ExecutionRow)
    under_way = exists().where(col(parent.id) == col(ExecutionRow.parent_id), col(parent.status).not_in(FINAL_STATUSES))
    ended = and_(col(ExecutionRow.status).in_(FINAL_STATUSES), col(ExecutionRow.completed_at) < moment)
    return and_(ended, or_(col(ExecutionRow.parent_id).is_(None), ~under_way))


def _delete_batch(connection: Connection, ids: Sequence[str], moment: datetime) -> int:
    """Delete the executions if they are still over; their events, answers and uses of payloads go with the rows."""
    used = select(col(PayloadUseRow.payload_id)).where(col(PayloadUseRow.execution_id).in_(ids)).distinct()
    payloads = sorted(connection.scalars(used))
    gone = connection.execute(delete(ExecutionRow).where(col(ExecutionRow.id).in_(ids), _over_before(moment)))
    needed = exists().where(col(PayloadUseRow.payload_id) == col(PayloadRow.id))
    for some in _slices(payloads, 500):
        # Locked in the order in which the journal's writer takes them, so that the two cannot wait for each other.
        free = select(col(PayloadRow.id)).where(col(PayloadRow.id).in_(some), ~needed).order_by(col(PayloadRow.id))
        locked = list(connection.scalars(free.with_for_update()))
        connection.execute(delete(PayloadRow).where(col(PayloadRow.id).in_(locked), ~needed))
    return gone.rowcount


def _slices(items: Sequence[ItemT], size: int) -> Iterator[Sequence[ItemT]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
