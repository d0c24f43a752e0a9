"""Which processes live, and which of them answers for an execution: rows of ``workers`` and ``executions.driver``.

For PostgreSQL, where several processes share a database. Time is the database's. Every statement takes rows that
nobody else holds (``SKIP LOCKED``), so processes never wait for each other here.
"""
# ruff: noqa: S608  (statements are put together from constants; values are always parameters)

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from awe_app.adapters.db import async_engine
from awe_app.adapters.execution_store import ticket_of
from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.tickets import Ticket

LEASE_S = 5.0
"""A process that has not beaten for so long is dead: what it answered for is taken over."""
AT_ONCE = 200
"""Executions that one look takes up at most; the next look is a second away."""
FRESH_S = 60
"""Answers younger than this are handed to running executions; older ones were read when they began to run."""

_DEAD = f"beat_at <= clock_timestamp() - interval '{LEASE_S} s'"
_ALIVE = f"beat_at > clock_timestamp() - interval '{LEASE_S} s'"
_TAKE = "UPDATE executions SET driver = :me, status = {status} WHERE id IN (SELECT id FROM executions WHERE {which}"
_TAKE += " ORDER BY {order} LIMIT {limit} FOR UPDATE SKIP LOCKED) RETURNING id, user_id, priority, epoch"


def _take(which: str, order: str = "created_at", status: str = "status") -> Any:
    return text(_TAKE.format(which=which, order=order, status=status, limit=AT_ONCE))


_BEAT = text(
    "INSERT INTO workers (id, host, pid, started_at, beat_at)"
    " VALUES (:me, :host, :pid, clock_timestamp(), clock_timestamp())"
    " ON CONFLICT (id) DO UPDATE SET beat_at = excluded.beat_at"
)
_LEAVE = text(f"UPDATE workers SET beat_at = clock_timestamp() - interval '{LEASE_S} s' WHERE id = :me")
_FORGET = text(
    "DELETE FROM workers WHERE beat_at < clock_timestamp() - interval '1 day'"
    " AND NOT EXISTS (SELECT FROM executions WHERE driver = workers.id AND status IN ('pending', 'running'))"
)
_LIVING = text(f"SELECT id FROM workers WHERE {_ALIVE}")
_OF_THE_DEAD = _take(f"status IN ('pending', 'running') AND driver IN (SELECT id FROM workers WHERE {_DEAD})")
_NOBODY = f"(driver IS NULL OR driver NOT IN (SELECT id FROM workers WHERE {_ALIVE}))"
_OF_NOBODY = _take(f"status IN ('pending', 'running') AND {_NOBODY}")
_ANSWERED = _take(
    f"status = 'waiting' AND {_NOBODY} AND EXISTS (SELECT FROM signals WHERE execution_id = executions.id)",
    status="'running'",
)
_DUE = _take("status = 'waiting' AND wake_at <= clock_timestamp()", order="wake_at", status="'running'")
_DRIVERS = text("SELECT id, driver FROM executions WHERE id = ANY(:ids)")
_ANSWERS = text(
    "SELECT execution_id, path, payload, created_at FROM signals"
    f" WHERE execution_id = ANY(:ids) AND created_at > clock_timestamp() - interval '{FRESH_S} s'"
)
_CLAIM = (
    "UPDATE executions SET driver = :me{raise_epoch} WHERE id = :id AND status NOT IN"
    " ('completed', 'failed', 'cancelled'){condition} RETURNING id, user_id, priority, epoch"
)
_OWN = text(_CLAIM.format(raise_epoch="", condition=""))
_REDEEM = text(_CLAIM.format(raise_epoch=", epoch = epoch + 1", condition=" AND epoch = :epoch"))


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer for a node instance of an execution that is driven here."""

    execution_id: ExecutionId
    path: Path
    payload: Mapping[str, Any]
    key: tuple[str, str, str]
    """Tells this answer from every other."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the database found."""

    tickets: Sequence[Ticket]
    """Taken up by this process: left by dead ones, or their moment has come."""
    driven_by: Mapping[ExecutionId, str | None]
    """Who answers for the executions that were asked for."""
    answers: Sequence[Answered]


class Leases:
    """This process among those that share the database. It has a connection of its own: a beat must not queue."""

    def __init__(self, url: str, me: str) -> None:
        self.me = me
        self._url = url
        self._engine: AsyncEngine | None = None

    async def start(self) -> None:
        """Live: beat once. Keep on with ``look``, at least every second."""
        self._engine = async_engine(self._url, pool_size=1, max_overflow=1, pool_pre_ping=True)
        async with self._begin() as connection:
            await self._beat(connection)

    async def look(self, active: Sequence[ExecutionId], *, take: bool, everywhere: bool) -> Look:
        """Beat; then take up what is nobody's, and hear of the executions that are driven here.

        Args:
            active: the executions that are driven here.
            take: whether to take anything up.
            everywhere: look also for what no process known to ``workers`` answers for; reads more, so not each time.
        """
        ids = list(active)
        async with self._begin() as connection:
            await self._beat(connection)
            tickets: list[Ticket] = []
            takes = [_OF_NOBODY, _ANSWERED, _DUE] if everywhere else [_OF_THE_DEAD, _DUE]
            for statement in takes if take else ():
                tickets += [ticket_of(row) for row in await connection.execute(statement, {"me": self.me})]
            drivers = await connection.execute(_DRIVERS, {"ids": ids}) if ids else ()
            answers = await connection.execute(_ANSWERS, {"ids": ids}) if ids else ()
            return Look(
                tickets=tickets,
                driven_by={ExecutionId(row.id): row.driver for row in drivers},
                answers=[_answered(row) for row in answers],
            )

    async def own(self, execution_id: ExecutionId) -> Ticket | None:
        """Answer for the execution, whoever did; a ticket for it, or None when it has ended."""
        async with self._begin() as connection:
            row = (await connection.execute(_OWN, {"me": self.me, "id": execution_id})).first()
        return None if row is None else ticket_of(row)

    async def redeem(self, execution_id: ExecutionId, epoch: int) -> Ticket | None:
        """Answer for the execution of a ticket; None when somebody took it up since the ticket was written.

        One process at most gets anything for a ticket, and whoever held the execution before can write no more.
        """
        async with self._begin() as connection:
            given = {"me": self.me, "id": execution_id, "epoch": epoch}
            row = (await connection.execute(_REDEEM, given)).first()
        return None if row is None else ticket_of(row)

    async def alive(self) -> set[str]:
        """The processes that live, this one among them; forgets those that are long dead."""
        async with self._begin() as connection:
            await connection.execute(_FORGET)
            return {*(await connection.scalars(_LIVING)), self.me}

    async def stop(self) -> None:
        """Be dead at once, so that others take up what is left here; harmless when not started."""
        if self._engine is not None:
            try:
                async with self._begin() as connection:
                    await connection.execute(_LEAVE, {"me": self.me})
            finally:
                await self._engine.dispose()
                self._engine = None

    def _begin(self) -> Any:
        if self._engine is None:
            raise RuntimeError("leases are not running: call start() first, and nothing after stop()")
        return self._engine.begin()

    async def _beat(self, connection: AsyncConnection) -> None:
        await connection.execute(_BEAT, {"me": self.me, "host": platform.node(), "pid": os.getpid()})


def _answered(row: Any) -> Answered:
    key = (row.execution_id, row.path, str(row.created_at))
    return Answered(ExecutionId(row.execution_id), Path(row.path), row.payload, key)
