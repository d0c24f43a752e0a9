"""What hand-written code costs that stores as much: SQLite in WAL mode and one thread that writes, nothing else."""

import asyncio
import queue
import sqlite3
import threading
from typing import Any


class Writer(threading.Thread):
    """Commits what is queued: everything that came meanwhile at once, as AWE's journal does, or each piece alone."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, database: str, *, synchronous: str = "FULL", largest_batch: int = 2_000
    ) -> None:
        super().__init__(daemon=True)
        self._loop = loop
        self._database = database
        self._synchronous = synchronous
        self._largest_batch = largest_batch
        self._queue: queue.SimpleQueue[tuple[asyncio.Future[None], list[Any]] | None] = queue.SimpleQueue()

    def store(self, rows: list[Any]) -> asyncio.Future[None]:
        """Done once the rows ``(execution, node, value)`` are committed."""
        future = self._loop.create_future()
        self._queue.put((future, rows))
        return future

    def stop(self) -> None:
        """End once all is written."""
        self._queue.put(None)
        self.join()

    def run(self) -> None:
        database = sqlite3.connect(self._database, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"PRAGMA synchronous={self._synchronous}")
        database.execute("CREATE TABLE IF NOT EXISTS rows (execution TEXT, node TEXT, value TEXT)")
        while (first := self._queue.get()) is not None:
            batch = [first]
            while len(batch) < self._largest_batch and not self._queue.empty():
                if (more := self._queue.get()) is None:
                    self._queue.put(None)
                    break
                batch.append(more)
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT INTO rows VALUES (?, ?, ?)", [row for _, rows in batch for row in rows])
            database.execute("COMMIT")
            self._loop.call_soon_threadsafe(_finish, [future for future, _ in batch])
        database.close()


def _finish(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
