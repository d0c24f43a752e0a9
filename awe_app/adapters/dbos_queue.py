"""The queue that several processes share: DBOS, on tables of its own (schema ``dbos``) in the same PostgreSQL.

DBOS knows executions by name only. One of its workflows, without steps, is one drive of one execution; what happens in
it stands in AWE's journal. DBOS runs on threads and a loop of its own: it would replace the default executor of a loop
that it is launched on. It is imported when it starts, and there is one in a process.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import make_url

from awe_app.adapters.db import session_options
from awe_app.adapters.dispatch import Limits
from awe_app.domain.ids import ExecutionId, new_id, utc_now
from awe_app.domain.tickets import Ticket

logger = logging.getLogger(__name__)

QUEUE = "executions"
VERSION = "1"
"""Pinned: a drive has no steps, so no change of AWE's code makes a queued one unreadable, save one of its arguments."""
POLL_S = 0.2
"""How often a process that has room looks into the queue."""
KEPT = timedelta(hours=1)
"""How long DBOS's own record of a drive is kept; the journal is the record that counts."""
PRUNED_AT_ONCE = 1_000

DriveQueued = Callable[[ExecutionId, int], Coroutine[Any, Any, None]]
ResultT = TypeVar("ResultT")


class DbosQueue:
    """Tickets on their way to some process. ``drive`` is called on the loop that called ``start``."""

    def __init__(self, url: str, executor_id: str, limits: Limits, drive: DriveQueued) -> None:
        self._url = url
        self._executor_id = executor_id
        self._limits = limits
        self._drive = drive
        self._threads: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dbos: Any = None
        self._workflow: Any = None

    async def start(self) -> None:
        """Make DBOS's tables where they are missing, and begin to take tickets."""
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="awe-queue")
        await self._in_thread(self._launch)

    async def put(self, ticket: Ticket) -> None:
        """Queue the execution for whoever has room.

        A ticket may be queued twice: an earlier one can have been thrown away by a process that ended. One counts.
        """
        await self._in_thread(lambda: self._enqueue(ticket))

    async def hand_on(self, alive: set[str]) -> int:
        """Queue again what processes took that are not alive any more; gives how many."""
        return await self._in_thread(lambda: self._hand_on(alive))

    async def prune(self) -> None:
        """Forget drives that are long over."""
        await self._in_thread(self._prune)

    async def stop(self) -> None:
        """Take no more tickets and close everything. Drives that it began must be over."""
        if self._threads is not None:
            await self._in_thread(self._destroy)
            self._threads.shutdown(wait=False)
            self._threads = None

    async def _in_thread(self, work: Callable[[], ResultT]) -> ResultT:
        assert self._threads is not None
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _launch(self) -> None:
        from dbos import DBOS

        address = make_url(self._url).set(drivername="postgresql").update_query_dict({"options": session_options()})
        url = address.render_as_string(hide_password=False)
        DBOS(
            config={
                "name": "awe",
                "system_database_url": url,
                "sys_db_pool_size": 5,
                "executor_id": self._executor_id,
                "application_version": VERSION,
                "serializer": _json_serializer(),
                "max_executor_threads": 8,
                "scheduler_polling_interval_sec": 300,
                "enable_otlp": False,
                "log_level": "ERROR",
            }
        )
        self._dbos = DBOS
        log = logging.getLogger("dbos")
        log.handlers.clear()  # AWE's own handlers write its lines, in AWE's form
        log.propagate = True

        @DBOS.workflow(name="awe.drive", max_recovery_attempts=None)
        async def segment(execution_id: str, epoch: int) -> None:
            """One drive; runs on DBOS's loop, the drive itself on AWE's."""
            assert self._loop is not None
            drive = self._drive(ExecutionId(execution_id), epoch)
            # Shielded: when DBOS ends, the dispatcher decides what becomes of the drive.
            await asyncio.shield(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(drive, self._loop)))

        self._workflow = segment
        DBOS.launch()
        # Users are partitions: each is asked in turn, in random order, so none waits behind another's thousand.
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=min(self._limits.here, self._limits.everywhere or self._limits.here),
            global_concurrency=self._limits.everywhere,
            partition_concurrency=self._limits.per_user or self._limits.everywhere or 1_000_000,
            polling_interval_sec=POLL_S,
            on_conflict="always_update",
        )

    def _enqueue(self, ticket: Ticket) -> None:
        from dbos import SetEnqueueOptions, SetWorkflowID

        partition = ticket.user_id or "-"
        with (
            SetWorkflowID(f"{ticket.execution_id}.{ticket.epoch}.{new_id()}"),
            SetEnqueueOptions(queue_partition_key=partition, priority=int(ticket.priority)),
        ):
            self._dbos.enqueue_workflow(QUEUE, self._workflow, ticket.execution_id, ticket.epoch)

    def _hand_on(self, alive: set[str]) -> int:
        pending = self._dbos.list_workflows(status="PENDING", queue_name=QUEUE, load_input=False, load_output=False)
        lost = [workflow.workflow_id for workflow in pending if workflow.executor_id not in alive]
        if lost:
            self._dbos.resume_workflows(lost, queue_name=QUEUE)
        return len(lost)

    def _prune(self) -> None:
        before = (utc_now() - KEPT).isoformat()
        over = self._dbos.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
            completed_before=before,
            limit=PRUNED_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        if over:
            self._dbos.delete_workflows([workflow.workflow_id for workflow in over])

    def _destroy(self) -> None:
        if self._dbos is not None:
            self._dbos.destroy(destroy_registry=True)
            self._dbos = None


def _json_serializer() -> Any:
    """DBOS pickles what it stores unless it is given something better."""
    from dbos import Serializer

    class JsonSerializer(Serializer):
        def serialize(self, data: Any) -> str:
            return json.dumps(data, default=repr)

        def deserialize(self, serialized_data: str) -> Any:
            return json.loads(serialized_data)

        def name(self) -> str:
            return "awe-json"

    return JsonSerializer()
