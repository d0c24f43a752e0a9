"""Reading the journal: in chunks, and with the large values that are wanted."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from awe_app.adapters.db import storage_error, sync_engine
from awe_app.adapters.journal_sql import Statements
from awe_app.adapters.payloads import named_in, put_back
from awe_app.adapters.storable import storable
from awe_app.domain import events as ev
from awe_app.domain.errors import Unavailable
from awe_app.domain.ids import ExecutionId

CHUNK = 1_000
"""Events that are read at once."""
PAYLOADS_AT_ONCE = 16

Wanted = Callable[[str], bool] | None
"""Whether the large values of a node instance, named by its path, are wanted; None: nobody's."""


def everything(_path: str) -> bool:
    """Large values of every node instance are wanted."""
    return True


class JournalReader:
    """Reads in threads, without locks."""

    def __init__(self, url: str, statements: Statements) -> None:
        self._url = url
        self._statements = statements
        self._engine: Engine | None = None

    def start(self) -> None:
        """Make ready; opens a connection only when something is read."""
        self._engine = sync_engine(self._url, read_only=True)

    def stop(self) -> None:
        """Close; harmless when not started."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    async def chunks(
        self, execution_id: ExecutionId, after_seq: int, whole: Wanted
    ) -> AsyncGenerator[Sequence[ev.Event]]:
        """See ``SqlJournal.chunks``."""
        loaded: dict[str, Any] = {}
        while True:
            events = await asyncio.to_thread(self._read, execution_id, after_seq, whole, loaded)
            if events:
                yield events
            if len(events) < CHUNK:
                return
            after_seq = events[-1].seq

    def _read(
        self, execution_id: ExecutionId, after_seq: int, whole: Wanted, loaded: dict[str, Any]
    ) -> Sequence[ev.Event]:
        """One chunk. ``loaded`` are the payloads met so far: what is handed on is in memory once."""
        if self._engine is None:
            raise RuntimeError("the journal is not running: call start() first, and nothing after stop()")
        try:
            with self._engine.connect() as connection:
                rows = self._statements.events(connection, storable(execution_id), after_seq, CHUNK)
                if whole is not None:
                    self._load(connection, named_in((row[2] for row in rows), whole), loaded)
        except SQLAlchemyError as error:
            raise storage_error(error)() from error
        decode = ev.EventCodec.decode
        return [decode(kind, seq, put_back(data, loaded)) for seq, kind, data in rows]

    def _load(self, connection: Connection, ids: Sequence[str], loaded: dict[str, Any]) -> None:
        missing = [payload_id for payload_id in ids if payload_id not in loaded]
        for start in range(0, len(missing), PAYLOADS_AT_ONCE):
            found = self._statements.payloads(connection, missing[start : start + PAYLOADS_AT_ONCE])
            loaded.update((payload_id, json.loads(text)) for payload_id, text in found)
        if lost := [payload_id for payload_id in missing if payload_id not in loaded]:
            raise Unavailable("STORAGE_ERROR", f"values that an execution names are not in the database: {lost}")
