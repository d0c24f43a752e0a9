"""The executions that one process drives: what every dispatcher does alike."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, field

from awe_app.domain.errors import Fenced
from awe_app.domain.ids import ExecutionId
from awe_app.domain.tickets import Ticket

logger = logging.getLogger(__name__)

Drive = Callable[[ExecutionId], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Job:
    """An execution that is driven here or waits for its turn."""

    ticket: Ticket
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Jobs:
    """The executions of this process, by id."""

    def __init__(self, drive: Drive, ended: Callable[[Job], None]) -> None:
        self._drive = drive
        self._ended = ended
        self._jobs: dict[ExecutionId, Job] = {}

    def __contains__(self, execution_id: ExecutionId) -> bool:
        return execution_id in self._jobs

    def running(self) -> list[ExecutionId]:
        """Those that are driven now."""
        return [execution_id for execution_id, job in self._jobs.items() if job.task is not None]

    def add(self, ticket: Ticket) -> Job:
        """Note an execution that is not here yet."""
        job = self._jobs[ticket.execution_id] = Job(ticket)
        return job

    def get(self, execution_id: ExecutionId) -> Job | None:
        """The execution's job, if it is here."""
        return self._jobs.get(execution_id)

    def begin(self, job: Job) -> None:
        """Drive it, in a context of its own: nothing of the request that submitted it leaks in."""
        name = f"execution {job.ticket.execution_id}"
        job.task = asyncio.create_task(self._run(job.ticket.execution_id), name=name, context=Context())
        job.task.add_done_callback(lambda task: self._done(job, task))

    def leave(self, job: Job) -> None:
        """It is not here any more."""
        del self._jobs[job.ticket.execution_id]
        job.gone.set()

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

    async def drain(self, grace_s: float) -> None:
        """Give what runs some time, then cancel it and return when it is gone."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        if tasks and grace_s > 0:
            await asyncio.wait(tasks, timeout=grace_s)
        jobs = list(self._jobs.values())
        for job in jobs:
            if job.task is not None:
                job.task.cancel()
            else:
                self.leave(job)
        for job in jobs:
            await job.gone.wait()

    async def _run(self, execution_id: ExecutionId) -> None:
        try:
            await self._drive(execution_id)
        except Fenced:
            logger.info("execution %s is driven elsewhere, or has ended", execution_id)
        except Exception:
            logger.exception("execution %s could not be driven on; it is taken up at the next start", execution_id)

    def _done(self, job: Job, task: asyncio.Task[None]) -> None:
        """Runs when the task is done, also when it was cancelled before its first step."""
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("execution %s broke off", job.ticket.execution_id, exc_info=error)
        self.leave(job)
        self._ended(job)
