"""Worker processes as people run them (``python -m awe_app worker``), and a client of their database."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from awe_app.adapters.bus import MemoryBus
from awe_app.adapters.bus_redis import RedisBus
from awe_app.adapters.child_store import ChildStore
from awe_app.adapters.db import Database
from awe_app.adapters.dispatch import Limits
from awe_app.adapters.dispatch_dbos import DbosDispatcher
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import NewExecution, SqlJournal
from awe_app.adapters.leases import Leases
from awe_app.adapters.share_store import ShareStore
from awe_app.adapters.user_store import UserStore
from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain import events as ev
from awe_app.domain.accounts import User
from awe_app.domain.ids import ExecutionId, new_id
from awe_app.domain.protocols import Capabilities
from awe_app.domain.workflow import Workflow
from awe_app.nodes.registry import discover
from awe_app.services.access import Access
from awe_app.services.executions import Executions
from awe_app.services.plans import Plans, snapshot_name
from awe_app.services.workflows import Workflows
from tests.source_tree import ROOT

PATIENCE_S = 60.0


async def until(ready: Callable[[], Awaitable[Any]], patience_s: float = PATIENCE_S) -> Any:
    """What ``ready`` gives as soon as it is true."""
    deadline = time.monotonic() + patience_s
    while not (found := await ready()):
        assert time.monotonic() < deadline, f"{ready.__name__} did not come true in {patience_s} s"
        await asyncio.sleep(0.05)
    return found


class WorkerProcess:
    """One worker with a log of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.log = folder / f"worker-{new_id()}.log"
        known = {key: value for key, value in os.environ.items() if not key.startswith(("AWE_", "DBOS"))}
        known |= {"AWE_DATA_DIR": str(folder / "data"), "LOG_LEVEL": "INFO", **environment}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "awe_app", "worker"], cwd=ROOT, env=known, stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self, text: str) -> bool:
        return text in self.log.read_text(errors="replace")

    async def ready(self) -> "WorkerProcess":
        async def drives() -> bool:
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
            return self.said("this worker drives")

        await until(drives)
        return self

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()


@dataclass
class Client:
    """What a web process does that drives nothing: start, follow, answer, cancel."""

    database: Database
    user: User
    redis_url: str | None
    leases: Leases = field(init=False)
    bus: MemoryBus = field(init=False)
    journal: SqlJournal = field(init=False)
    executions: Executions = field(init=False)

    async def start(self) -> None:
        me = new_id()
        self.leases = Leases(self.database.url, me)
        await self.leases.start()
        await self.leases.stop()  # dead at once: the workers take up whatever it starts
        self.bus = MemoryBus()
        if self.redis_url is not None:
            self.bus = RedisBus(self.redis_url)
            await self.bus.start()
        self.journal = SqlJournal(self.database.url, self.bus.publish)
        self.journal.start(asyncio.get_running_loop())
        self.store = ExecutionStore(self.database, me)
        types = discover()
        workflow_store = WorkflowStore(self.database)
        self.executions = Executions(
            workflows=Workflows(workflow_store, Access(workflow_store, ShareStore(self.database)), types),
            store=self.store,
            journal=self.journal,
            bus=self.bus,
            plans=Plans(types),
            children=ChildStore(self.database),
            capabilities=Capabilities(models=None),  # type: ignore[arg-type]
            dispatcher=lambda drives: DbosDispatcher(drives, Limits(1), self.database.url, me, self.bus),
        )

    async def stop(self) -> None:
        await asyncio.to_thread(self.journal.stop)
        await self.bus.stop()

    async def run(self, workflow: Workflow) -> ExecutionId:
        """Start it as a web process does that is killed right after its 202."""
        execution_id = ExecutionId(new_id())
        await self.journal.create(
            NewExecution(
                execution_id=execution_id,
                workflow_id=None,
                user_id=self.user.id,
                workflow=workflow,
                snapshot_id=snapshot_name(workflow),
                inputs={},
                driver=self.store.driver,
            )
        )
        return execution_id

    async def rows(self, sql: str) -> Sequence[Any]:
        from sqlalchemy import text

        async with self.database.sessions() as session:
            return (await session.execute(text(sql))).all()

    async def driven_by(self, pid: int) -> set[ExecutionId]:
        """The unfinished executions that the process answers for."""
        return {
            ExecutionId(row.id)
            for row in await self.rows(
                "SELECT e.id FROM executions e JOIN workers w ON w.id = e.driver"
                f" WHERE w.pid = {pid} AND e.status IN ('pending', 'running')"
            )
        }

    async def finished(self, execution_id: ExecutionId) -> list[str]:
        """The paths of the nodes that finished, once for each time."""
        return [e.path for e in await self.journal.read(execution_id) if isinstance(e, ev.NodeFinished)]


@asynccontextmanager
async def a_client(database_url: str, redis_url: str | None) -> AsyncIterator[Client]:
    """A client with a user of its own; ``redis_url`` None: it only has the database."""
    database, name = Database(database_url), f"u{new_id()[:8]}"
    await database.start()
    client = Client(database, await UserStore(database).add(name, f"{name}@example.com", "x"), redis_url)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()
        await database.stop()
