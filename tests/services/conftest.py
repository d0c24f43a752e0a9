"""Services built on a real database, with node types that tests can watch."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from awe_app.adapters.bus import MemoryBus
from awe_app.adapters.child_store import ChildStore
from awe_app.adapters.db import Database
from awe_app.adapters.dispatch import Dispatcher, Drives, Limits
from awe_app.adapters.dispatch_dbos import DbosDispatcher
from awe_app.adapters.dispatch_embedded import EmbeddedDispatcher
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import SqlJournal
from awe_app.adapters.share_store import ShareStore
from awe_app.adapters.user_store import UserStore
from awe_app.adapters.workflow_store import WorkflowStore
from awe_app.domain.accounts import User
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import new_id
from awe_app.domain.node import Node, NodeConfig, NodeContext, Outputs
from awe_app.domain.protocols import Capabilities
from awe_app.nodes.registry import discover
from awe_app.services.access import Access
from awe_app.services.executions import Executions
from awe_app.services.plans import Plans
from awe_app.services.workflows import Workflows


class GateConfig(NodeConfig):
    fails: bool = False


class Gate(Node[GateConfig]):
    """An effectful node that waits until the test opens it, and counts how often it was begun."""

    type, title, icon, category = "gate", "Gate", "door-open", "Flow"
    effectful = True

    async def run(self, ctx: NodeContext[GateConfig]) -> Outputs:
        self.began.append(ctx.path)
        ctx.stream("wait…")
        self.reached.set()
        await self.open.wait()
        if ctx.config.fails:
            raise NodeFailed("GATE", "the gate fell")
        return {"out": next(iter(ctx.incoming.values()), None)}

    began: Any
    reached: Any
    open: Any


@dataclass
class House:
    """The services of one process; ``restart`` is what a crash and a new start do."""

    database: Database
    user: User
    other: User
    gate: type[Gate]
    journal: SqlJournal = field(init=False)
    workflows: Workflows = field(init=False)
    executions: Executions = field(init=False)

    def start(self, more: Mapping[str, type[Node[Any]]] | None = None, capabilities: Any = None) -> None:
        """Build the services as the composition root does, with ``more`` node types beside AWE's own (the gate)."""
        bus = MemoryBus()
        self.journal = SqlJournal(self.database.url, bus.publish)
        self.journal.start(asyncio.get_running_loop())
        types = {**discover(), **({"gate": self.gate} if more is None else more)}
        workflow_store = WorkflowStore(self.database)
        self.workflows = Workflows(workflow_store, Access(workflow_store, ShareStore(self.database)), types)
        store = ExecutionStore(self.database, None if self.database.is_sqlite else new_id())
        self.executions = Executions(
            workflows=self.workflows,
            store=store,
            journal=self.journal,
            bus=bus,
            plans=Plans(types),
            children=ChildStore(self.database),
            capabilities=capabilities or Capabilities(models=None),  # type: ignore[arg-type]
            dispatcher=lambda drives: self._dispatcher(drives, store, bus),
        )

    def _dispatcher(self, drives: Drives, store: ExecutionStore, bus: MemoryBus) -> Dispatcher:
        """Embedded on SQLite, distributed on PostgreSQL: each test of the services is one of both."""
        if store.driver is None:
            return EmbeddedDispatcher(drives.drive, Limits(8), store)
        return DbosDispatcher(drives, Limits(8), self.database.url, store.driver, bus)

    async def stop(self) -> None:
        """Stop as at a shutdown: nothing is finished, all is stored."""
        await self.executions.stop()
        await asyncio.to_thread(self.journal.stop)


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    users = UserStore(database)
    gate = type(
        "WatchedGate", (Gate,), {"began": [], "reached": asyncio.Event(), "open": asyncio.Event(), "Config": GateConfig}
    )
    built = House(
        database,
        await users.add("ann", "ann@example.com", "x"),
        await users.add("ben", "ben@example.com", "x"),
        gate,
    )
    built.start()
    await built.executions.adopt()
    yield built
    await built.stop()
