"""The journal's one writing thread: takes what is queued, commits it as a whole, reports to the loop."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, SQLAlchemyError

from awe_app.adapters.db import reason_of, storage_error, sync_engine
from awe_app.adapters.journal_batch import BatchWriter, Creation, Line, Outcome
from awe_app.adapters.journal_sql import Driver, Statements
from awe_app.domain.ids import ExecutionId

logger = logging.getLogger(__name__)

LARGEST_BATCH = 2_000
"""Items in one commit at most, so that nobody waits long under load."""

LINGER_S = 0.002
"""How long an event that nobody waits for may wait for company. A node's end then shares the commit of the next node's
beginning, and the thread does not take the interpreter from nodes at work for each event."""

Batch = Sequence[Creation | Line]


class _CommitFailed(Exception):
    """The database failed while it committed: whether the batch is stored is not known."""


class JournalWriter:
    """Writes batches in the order they came. ``tell`` is called on the loop after each, stored or not."""

    def __init__(self, url: str, statements: Statements, tell: Callable[[Outcome], None]) -> None:
        self._url = url
        self._tell = tell
        self._writer = BatchWriter(statements)
        self._pending: list[Creation | Line] = []
        self._bell: queue.SimpleQueue[bool] = queue.SimpleQueue()
        """True: something is to be written. False: nothing comes any more."""
        self._lock = threading.Lock()
        """Over ``_pending`` and ``_thread``: nothing is queued behind the end."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._hurried = False
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None
        """The thread's own, between batches."""
        self._refusals: tuple[type[Exception], ...] = ()
        """What the database says when it cannot, to SQLAlchemy or to us: nothing in the batch is to blame."""
        self._passing: tuple[type[Exception], ...] = ()
        """What may be different at a second try."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to write."""
        self._loop = loop
        engine = sync_engine(self._url)
        drivers = engine.dialect.loaded_dbapi
        self._refusals = (OperationalError, InterfaceError, drivers.OperationalError, drivers.InterfaceError)
        self._passing = (*self._refusals, IntegrityError, drivers.IntegrityError)
        self._thread = threading.Thread(target=self._work, args=(engine, loop), name="awe-journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, then end; blocks until then."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._bell.put(False)
        if thread is not None:
            thread.join()

    def put(self, item: Creation | Line) -> None:
        """Queue something, to be written within ``LINGER_S``; never waits. For the loop's thread only.

        Raises RuntimeError when not running.
        """
        with self._lock:
            if self._thread is None or self._loop is None:
                raise RuntimeError("the journal is not running: call start() first, and nothing after stop()")
            self._pending.append(item)
        if self._timer is None and not self._hurried:
            self._timer = self._loop.call_later(LINGER_S, self._ring)

    def hurry(self) -> None:
        """Somebody waits: write what is queued as soon as the loop's other tasks have had their turn."""
        if self._hurried or self._loop is None:
            return
        self._hurried = True
        self._loop.call_soon(self._ring)

    def _ring(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._hurried = None, False
        self._bell.put(True)

    def _work(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        try:
            more = True
            while more:
                more = self._bell.get()
                while batch := self._next_batch():
                    outcome = self._store(engine, batch)
                    try:
                        loop.call_soon_threadsafe(self._tell, outcome)
                    except RuntimeError:  # the loop was closed without stop(): nobody is left to be told
                        logger.warning("the event loop ended before the journal did")
                    if more:
                        break  # what came meanwhile may linger, unless the bell rang for it
        finally:
            if self._connection is not None:
                self._connection.close()
            engine.dispose()

    def _next_batch(self) -> list[Creation | Line]:
        """All that is queued, up to the largest batch; empty when a batch before took it."""
        with self._lock:
            batch, self._pending = self._pending[:LARGEST_BATCH], self._pending[LARGEST_BATCH:]
            if self._pending:
                self._bell.put(True)
        return batch

    def _store(self, engine: Engine, batch: Batch) -> Outcome:
        """Store the batch, whatever happens. What fails before COMMIT was rolled back and may be tried again."""
        try:
            try:
                return self._commit(engine, batch)
            except self._passing as error:
                # The connection broke, two processes waited for each other, or a snapshot that was there has been
                # deleted since: once more, on a fresh connection, taking nothing for granted.
                logger.warning("the journal tries again: %s", reason_of(error))
                return self._commit(engine, batch)
        except (_CommitFailed, *self._refusals) as error:
            return self._failed(batch, error)
        except Exception as error:
            # Something in the batch is to blame: it must not take the other executions down with it.
            by_execution: dict[ExecutionId, list[Creation | Line]] = {}
            for item in batch:
                by_execution.setdefault(_execution_of(item), []).append(item)
            if len(by_execution) == 1:
                return self._failed(batch, error)
            outcome = Outcome()
            for part in by_execution.values():
                outcome.add(self._store(engine, part))
            return outcome

    def _commit(self, engine: Engine, batch: Batch) -> Outcome:
        connection, self._connection = self._connection or engine.connect(), None
        try:
            transaction = connection.begin()
            driver: Driver = cast(Any, connection.connection.driver_connection)
            outcome = self._writer.write(driver, batch)
            try:
                transaction.commit()
            except SQLAlchemyError as error:
                raise _CommitFailed(reason_of(error)) from error
        except BaseException:
            self._writer.forget()  # what was rolled back has never been
            connection.invalidate()  # closes it, which rolls back; whether it broke is only known to the driver
            connection.close()
            raise
        self._connection = connection
        self._writer.committed(outcome)
        return outcome

    def _failed(self, batch: Batch, error: Exception) -> Outcome:
        logger.error("the journal could not store %d items: %s", len(batch), reason_of(error), exc_info=error)
        failure = storage_error(error)
        return Outcome(failures={item if isinstance(item, Creation) else item.holder: failure for item in batch})


def _execution_of(item: Creation | Line) -> ExecutionId:
    return item.execution_id if isinstance(item, Creation) else item.holder.execution_id
