"""Dispatch for a process that is alone with its database: everything is driven here, at once, within the limits."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from awe_app.adapters.dispatch import Limits, Unfinished
from awe_app.adapters.dispatch_jobs import Drive, Job, Jobs
from awe_app.adapters.fair_queue import FairQueue
from awe_app.domain.ids import ExecutionId, UserId
from awe_app.domain.tickets import Priority, Ticket

logger = logging.getLogger(__name__)


class EmbeddedDispatcher:
    """Drives executions as tasks of this process's loop. See ``Dispatcher``.

    It keeps nothing: what is unfinished when the process ends stands in the journal and is submitted again at the
    next start.
    """

    alone = True

    def __init__(self, drive: Drive, limits: Limits, store: Unfinished | None = None) -> None:
        self._jobs = Jobs(drive, self._ended)
        self._limits = limits
        self._store = store
        self._queue = FairQueue()
        self._active: Counter[UserId | None] = Counter()
        self._alarm = Alarm(store.due, self._take_up) if store is not None else None
        self._stopping = False

    async def start(self) -> int:
        """See ``Dispatcher``."""
        if self._store is None or self._alarm is None:
            return 0
        self._alarm.start()
        unfinished = await self._store.unfinished()
        for ticket in unfinished:
            self._take_up(ticket)
        return len(unfinished)

    def submit(
        self, execution_id: ExecutionId, user_id: UserId | None = None, priority: Priority = Priority.NORMAL
    ) -> bool:
        """See ``Dispatcher``."""
        self._take_up(Ticket(execution_id, user_id, priority))
        return True

    def wake(self, execution_id: ExecutionId, user_id: UserId | None = None) -> None:
        """See ``Dispatcher``."""
        self.submit(execution_id, user_id)

    def call_others(self) -> None:
        """See ``Dispatcher``. There are none."""

    def running(self, execution_id: ExecutionId) -> bool:
        """See ``Dispatcher``."""
        return execution_id in self._jobs

    async def cancel(self, execution_id: ExecutionId) -> bool:
        """See ``Dispatcher``."""
        job = self._jobs.get(execution_id)
        if job is None:
            return False
        if job.task is not None:
            job.task.cancel()
        else:
            self._queue.remove(execution_id)
            self._jobs.leave(job)
        await job.gone.wait()
        return True

    async def wait(self, execution_id: ExecutionId, timeout_s: float) -> bool:
        """See ``Dispatcher``."""
        return await self._jobs.wait(execution_id, timeout_s)

    async def stop(self, grace_s: float = 0) -> None:
        """See ``Dispatcher``."""
        self._stopping = True
        if self._alarm is not None:
            await self._alarm.stop()
        await self._jobs.drain(grace_s)

    def _take_up(self, ticket: Ticket) -> None:
        if not self._stopping and ticket.execution_id not in self._jobs:
            self._jobs.add(ticket)
            self._queue.put(ticket)
            self._start_next()

    def _start_next(self) -> None:
        while self._active.total() < self._limits.here and (ticket := self._queue.pop(self._may_run)) is not None:
            job = self._jobs.get(ticket.execution_id)
            assert job is not None
            self._active[ticket.user_id] += 1
            self._jobs.begin(job)

    def _may_run(self, user_id: UserId | None) -> bool:
        return self._limits.per_user is None or self._active[user_id] < self._limits.per_user

    def _ended(self, job: Job) -> None:
        user_id = job.ticket.user_id
        self._active[user_id] -= 1
        if not self._active[user_id]:
            del self._active[user_id]
        if not self._stopping:
            self._start_next()


class Alarm:
    """Submits executions whose moment has come. The moments stand in the database, so a restart forgets none."""

    def __init__(
        self,
        due: Callable[[], Awaitable[Sequence[Ticket]]],
        submit: Callable[[Ticket], None],
        every_s: float = 1,
    ) -> None:
        self._due = due
        self._submit = submit
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the clock."""
        self._task = asyncio.create_task(self._watch(), name="alarm")

    async def stop(self) -> None:
        """Stop; harmless when not started."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            try:
                for ticket in await self._due():
                    self._submit(ticket)
            except Exception:
                logger.exception("looking for executions to wake failed; trying again")
            await asyncio.sleep(self._every_s)
