"""Which process drives an execution, and when: here, at once, under a limit. See ``ARCHITECTURE.md``, "Who drives"."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field

from awe_app.domain.errors import Fenced
from awe_app.domain.ids import ExecutionId

logger = logging.getLogger(__name__)

Drive = Callable[[ExecutionId], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Job:
    """An execution that is driven here or waits for its turn."""

    execution_id: ExecutionId
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class EmbeddedDispatcher:
    """Drives executions as tasks of this process's loop, ``limit`` at a time, in the order they were submitted.

    It keeps nothing: what is unfinished when the process ends stands in the journal and is submitted again at the
    next start.
    """

    def __init__(self, drive: Drive, limit: int) -> None:
        self._drive = drive
        self._limit = limit
        self._jobs: dict[ExecutionId, _Job] = {}
        self._queue: deque[_Job] = deque()
        self._active = 0
        self._stopping = False

    def submit(self, execution_id: ExecutionId) -> None:
        """Drive the execution, at once or as soon as one of those before it ends; never waits.

        Nothing happens when it is here already, or while stopping.
        """
        if self._stopping or execution_id in self._jobs:
            return
        job = self._jobs[execution_id] = _Job(execution_id)
        self._queue.append(job)
        self._start_next()

    def running(self, execution_id: ExecutionId) -> bool:
        """True while the execution is driven here or waits for its turn here."""
        return execution_id in self._jobs

    async def cancel(self, execution_id: ExecutionId) -> bool:
        """Stop driving the execution and return when it is gone; False when it is not here.

        Only driving stops. That the execution is cancelled is for the caller to record.
        """
        job = self._jobs.get(execution_id)
        if job is None:
            return False
        self._cancel(job)
        await job.gone.wait()
        return True

    async def wait(self, execution_id: ExecutionId, timeout_s: float) -> bool:
        """Return True as soon as the execution is not here (any more), False after ``timeout_s`` seconds."""
        job = self._jobs.get(execution_id)
        if job is None:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await job.gone.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Cancel everything and return when it is gone; nothing is accepted any more."""
        self._stopping = True
        jobs = list(self._jobs.values())
        for job in jobs:
            self._cancel(job)
        for job in jobs:
            await job.gone.wait()

    def _start_next(self) -> None:
        while self._queue and self._active < self._limit:
            job = self._queue.popleft()
            self._active += 1
            # In a context of its own: nothing of the request that submitted it leaks in.
            name = f"execution {job.execution_id}"
            job.task = asyncio.create_task(self._run(job), name=name, context=Context())
            job.task.add_done_callback(lambda task, job=job: self._ended(job, task))

    async def _run(self, job: _Job) -> None:
        try:
            await self._drive(job.execution_id)
        except Fenced:
            logger.info("execution %s is driven elsewhere, or has ended", job.execution_id)
        except Exception:
            logger.exception("execution %s could not be driven on; it is taken up at the next start", job.execution_id)

    def _cancel(self, job: _Job) -> None:
        if job.task is not None:
            job.task.cancel()
        else:
            self._queue.remove(job)
            self._leave(job)

    def _ended(self, job: _Job, task: asyncio.Task[None]) -> None:
        """Runs when the task is done, also when it was cancelled before its first step."""
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("execution %s broke off", job.execution_id, exc_info=error)
        self._active -= 1
        self._leave(job)
        if not self._stopping:
            self._start_next()

    def _leave(self, job: _Job) -> None:
        del self._jobs[job.execution_id]
        job.gone.set()


class Alarm:
    """Submits executions whose moment has come. The moments stand in the database, so a restart forgets none."""

    def __init__(
        self,
        due: Callable[[], Awaitable[Sequence[ExecutionId]]],
        submit: Callable[[ExecutionId], None],
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
                for execution_id in await self._due():
                    self._submit(execution_id)
            except Exception:
                logger.exception("looking for executions to wake failed; trying again")
            await asyncio.sleep(self._every_s)
