"""Dispatch for several processes on one PostgreSQL.

Each execution has one process that answers for it (``executions.driver``). A fresh one is driven at once where it was
submitted, if there is room; what finds none goes through the queue (DBOS), to whoever has. A look at the database each
second tells everything else: who died, whose moment has come, what was answered or taken away elsewhere.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from awe_app.adapters.dbos_queue import DbosQueue
from awe_app.adapters.dispatch import Drives, Limits
from awe_app.adapters.dispatch_jobs import Jobs
from awe_app.adapters.leases import Leases
from awe_app.domain.ids import ExecutionId, UserId
from awe_app.domain.tickets import Priority, Ticket

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
LOOK_EVERYWHERE_EVERY_S = 5.0
HAND_ON_EVERY_S = 3.0
PRUNE_EVERY_S = 300.0
TRY_AGAIN_S = 1.0


class Doorbell(Protocol):
    """Lets the other processes look at once instead of within the second."""

    def ring(self) -> None:
        """Let every other process look; never waits, and may be lost."""
        ...

    def on_ring(self, look: Callable[[], None]) -> None:
        """Call ``look``, on the loop, when another process rings."""
        ...


class DbosDispatcher:
    """See ``Dispatcher``."""

    alone = False

    def __init__(self, drives: Drives, limits: Limits, url: str, executor_id: str, doorbell: Doorbell) -> None:
        self._drives = drives
        self._limits = limits
        self._doorbell = doorbell
        self._jobs = Jobs(drives.drive, lambda _job: None)
        self._leases = Leases(url, executor_id)
        self._queue = DbosQueue(url, executor_id, limits, self._drive_queued)
        self._to_queue: deque[ExecutionId] = deque()
        self._look_now = asyncio.Event()
        self._queue_now = asyncio.Event()
        self._tidy_now = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._called: dict[ExecutionId, asyncio.Event] = {}
        """Woken here; the look that may take them up is not over yet."""
        self._delivered: set[tuple[str, str, str]] = set()
        self._from_queue: set[asyncio.Future[None]] = set()
        self._stopping = False
        self._closing = False
        self._queue_gone = asyncio.Event()

    async def start(self) -> int:
        """See ``Dispatcher``."""
        if self._tasks:
            return await self._look(everywhere=True)
        await self._leases.start()
        await self._queue.start()
        self._doorbell.on_ring(self._look_now.set)
        taken = await self._look(everywhere=True)
        for name, work in (("look", self._keep_looking), ("queue", self._keep_queueing), ("tidy", self._keep_tidy)):
            self._tasks.append(asyncio.create_task(work(), name=f"dispatch {name}"))
        return taken

    def submit(
        self, execution_id: ExecutionId, user_id: UserId | None = None, priority: Priority = Priority.NORMAL
    ) -> bool:
        """See ``Dispatcher``. The execution must be this process's: created, or claimed, under its name."""
        if execution_id in self._jobs:
            return True
        if self._stopping:
            return False  # it stays this process's, which will be gone: another takes it up
        if self._has_room():
            self._jobs.begin(self._jobs.add(Ticket(execution_id, user_id, priority)))
            return True
        self._to_queue.append(execution_id)
        self._queue_now.set()
        return False

    def wake(self, execution_id: ExecutionId, user_id: UserId | None = None) -> None:
        """See ``Dispatcher``. Whoever looks first takes it up; who drives it hands it the answer."""
        if self._tasks:
            self._called.setdefault(execution_id, asyncio.Event())
        self._look_now.set()
        self._doorbell.ring()

    def call_others(self) -> None:
        """See ``Dispatcher``. Without the bell they look within the second."""
        self._doorbell.ring()

    def running(self, execution_id: ExecutionId) -> bool:
        """See ``Dispatcher``."""
        return execution_id in self._jobs or execution_id in self._called

    async def cancel(self, execution_id: ExecutionId) -> bool:
        """See ``Dispatcher``."""
        job = self._jobs.get(execution_id)
        if job is None or job.task is None:
            return False
        job.task.cancel()
        await job.gone.wait()
        return True

    async def wait(self, execution_id: ExecutionId, timeout_s: float) -> bool:
        """See ``Dispatcher``."""
        if (called := self._called.get(execution_id)) is not None:
            try:
                async with asyncio.timeout(timeout_s):
                    await called.wait()
            except TimeoutError:
                return False
        return await self._jobs.wait(execution_id, timeout_s)

    async def stop(self, grace_s: float = 0) -> None:
        """See ``Dispatcher``. It beats until the end; what is left then is taken up by the others at once."""
        self._stopping = True
        await self._jobs.drain(grace_s)
        self._closing = True  # no task is cancelled while it talks to the database: that would leak a connection
        for event in (self._look_now, self._queue_now, self._tidy_now):
            event.set()
        await asyncio.gather(*self._tasks)
        self._tasks.clear()
        await self._queue.stop()
        self._queue_gone.set()
        if self._from_queue:
            await asyncio.wait(self._from_queue)
        await self._leases.stop()

    # Taking up

    def _has_room(self) -> bool:
        """Whether one more may begin here without asking anybody. Limits for all processes are the queue's to keep."""
        shared = self._limits.per_user is not None or self._limits.everywhere is not None
        return not shared and len(self._jobs.running()) < self._limits.here

    async def _drive_queued(self, execution_id: ExecutionId, epoch: int) -> None:
        """Drive what the queue gives; returns when that is over. Nothing happens when somebody was quicker."""
        over = asyncio.get_running_loop().create_future()
        self._from_queue.add(over)
        try:
            await self._drive_ticket(execution_id, epoch)
        finally:
            self._from_queue.discard(over)
            over.set_result(None)

    async def _drive_ticket(self, execution_id: ExecutionId, epoch: int) -> None:
        ticket = await self._redeemed(execution_id, epoch)
        if self._closing:
            await self._queue_gone.wait()  # a drive that is not over is handed on; one that returns is done for good
        if ticket is None or self._stopping:
            return
        while (job := self._jobs.get(execution_id)) is not None:  # an earlier drive of it is about to leave
            await job.gone.wait()
        job = self._jobs.add(ticket)
        self._jobs.begin(job)
        await job.gone.wait()

    async def _redeemed(self, execution_id: ExecutionId, epoch: int) -> Ticket | None:
        while not self._closing:
            try:
                return await self._leases.redeem(execution_id, epoch)
            except Exception as error:
                logger.warning("execution %s waits for the database: %s", execution_id, error)
            await asyncio.sleep(TRY_AGAIN_S)
        return None

    async def _keep_queueing(self) -> None:
        while not self._closing:
            await self._queue_now.wait()
            self._queue_now.clear()
            while self._to_queue and not self._closing:
                try:
                    ticket = await self._leases.own(self._to_queue[0])
                    if ticket is not None:
                        await self._queue.put(ticket)
                    self._to_queue.popleft()
                except Exception as error:
                    logger.warning("%d executions wait to be queued: %s", len(self._to_queue), error)
                    await asyncio.sleep(TRY_AGAIN_S)

    # Looking

    async def _keep_looking(self) -> None:
        everywhere_at = time.monotonic() + LOOK_EVERYWHERE_EVERY_S
        away = False
        while not self._closing:
            await _pause(self._look_now, LOOK_EVERY_S)
            everywhere = time.monotonic() >= everywhere_at
            try:
                await self._look(everywhere=everywhere)
            except Exception as error:
                if not away:
                    logger.warning("the database does not answer; looking again each second: %s", error)
                away = True
                continue
            if away:
                logger.warning("the database answers again")
            away = False
            if everywhere:
                everywhere_at = time.monotonic() + LOOK_EVERYWHERE_EVERY_S

    async def _look(self, *, everywhere: bool) -> int:
        called = list(self._called)
        try:
            return await self._look_once(everywhere=everywhere)
        finally:
            for execution_id in called:
                self._called.pop(execution_id).set()

    async def _look_once(self, *, everywhere: bool) -> int:
        running = self._jobs.running()
        look = await self._leases.look(running, take=not self._stopping, everywhere=everywhere)
        for execution_id, driver in look.driven_by.items():
            job = self._jobs.get(execution_id)
            if driver != self._leases.me and job is not None and job.task is not None:
                logger.info("execution %s was taken away from here", execution_id)
                job.task.cancel()
        for answer in look.answers:
            if answer.key not in self._delivered:
                self._drives.deliver(answer.execution_id, answer.path, answer.payload)
        self._delivered = {answer.key for answer in look.answers}
        for ticket in look.tickets:
            self.submit(ticket.execution_id, ticket.user_id, ticket.priority)
        return len(look.tickets)

    # Tidying

    async def _keep_tidy(self) -> None:
        prune_at = time.monotonic()
        while not self._closing:
            try:
                if lost := await self._queue.hand_on(await self._leases.alive()):
                    logger.warning("queued again what %d drives of ended processes had taken", lost)
                if time.monotonic() >= prune_at:
                    await self._queue.prune()
                    prune_at = time.monotonic() + PRUNE_EVERY_S
            except Exception as error:
                logger.warning("the queue could not be tidied; trying again: %s", error)
            await _pause(self._tidy_now, HAND_ON_EVERY_S)


async def _pause(until: asyncio.Event, seconds: float) -> None:
    """Wait so long, or less when the event is set; clears it."""
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        pass
    until.clear()
