"""Driving: engine → journal (durable) → bus (told). Whoever drives an execution holds its newest epoch."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from awe_app.adapters.execution_store import Claim, ExecutionStore
from awe_app.adapters.journal import SqlJournal
from awe_app.domain import events as ev
from awe_app.domain.errors import AweError, Fenced, Unavailable
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path, utc_now
from awe_app.domain.protocols import Bus, Capabilities
from awe_app.engine.deps import Deps, Signals
from awe_app.engine.execute import execute
from awe_app.engine.plan import Plan
from awe_app.services.endings import cancellation, stopped_nodes
from awe_app.services.family import BY_PARENT, Family, Watch
from awe_app.services.plans import Plans

logger = logging.getLogger(__name__)

REMEMBERED = 256
"""How many executions that ended here are kept in memory, for those who wait for them."""


class Driver:
    """Drives executions in this process."""

    def __init__(
        self,
        store: ExecutionStore,
        journal: SqlJournal,
        bus: Bus,
        plans: Plans,
        capabilities: Capabilities,
        family: Family,
    ) -> None:
        self._store = store
        self._journal = journal
        self._bus = bus
        self._plans = plans
        self.capabilities = capabilities
        """What nodes may use; sub-workflows are added when there is somebody to start them."""
        self._family = family
        self._fresh: dict[ExecutionId, Claim] = {}
        self._signals: dict[ExecutionId, Signals] = {}
        self._ended: OrderedDict[ExecutionId, ExecutionState] = OrderedDict()

    def expect(self, execution_id: ExecutionId, claim: Claim) -> None:
        """This process has just created the execution, so its first drive need not claim it."""
        self._fresh[execution_id] = claim

    def forget(self, execution_id: ExecutionId) -> None:
        """The execution will not be driven from its start here."""
        self._fresh.pop(execution_id, None)

    def forget_end(self, execution_id: ExecutionId) -> None:
        """The execution goes on after its end."""
        self._ended.pop(execution_id, None)

    def ended(self, execution_id: ExecutionId) -> ExecutionState | None:
        """How an execution ended or parked that was driven here lately."""
        return self._ended.get(execution_id)

    def deliver(self, execution_id: ExecutionId, path: Path, payload: Mapping[str, Any]) -> None:
        """Hand an answer to the execution if it runs here; it is stored already, so nothing is lost if it does not."""
        if (signals := self._signals.get(execution_id)) is not None:
            signals.deliver(path, payload)

    async def drive(self, execution_id: ExecutionId) -> None:
        """Drive one execution to its end, from wherever its journal says it is; sits out a database that is away."""
        wait_s = 1.0
        while True:
            try:
                if await self._drive_on(execution_id) != "waiting" or not await self._has_its_answer(execution_id):
                    return
                continue  # the answer came while it was being put down
            except Unavailable as error:
                logger.warning("execution %s waits %.0f s for the database: %s", execution_id, wait_s, error)
            await asyncio.sleep(wait_s)
            wait_s = min(60.0, wait_s * 2)

    async def _has_its_answer(self, execution_id: ExecutionId) -> bool:
        state = self._ended[execution_id]
        answered = await self._store.signals(execution_id)
        return any(path in answered for path, node in state.node_states.items() if node.status == "waiting")

    async def _drive_on(self, execution_id: ExecutionId) -> str | None:
        """Drive until it ends or has to wait; gives the status it is left in, None when it is not this process's."""
        claim, past = self._fresh.pop(execution_id, None), list[ev.Event]()
        if claim is None:
            claim = await self._store.claim(execution_id)
            if claim is None:
                await self._family.tell_parent_of(execution_id)
                return None
            past = list(await self._journal.read(execution_id))
            if await self._family.disowned(claim.parent):
                await self._end(execution_id, claim.epoch, past)
                return "cancelled"
        recorder = self._journal.recorder(execution_id, claim.epoch)
        state = ExecutionState(execution_id, claim.workflow_id, claim.user_id).fold(past)
        signals = Signals(await self._store.signals(execution_id) if past else None)
        self._signals[execution_id] = signals
        watch = Watch(past)
        try:
            plan = self._plans.at(claim.snapshot_id, claim.workflow, claim.options.until)
            for child in watch.left_behind:
                await self._family.leave(child)
            async with aclosing(self._events(execution_id, plan, claim, past, recorder.durable, signals)) as events:
                async for event in events:
                    if isinstance(event, ev.TextStreamed):
                        self._bus.publish(execution_id, event)
                    else:
                        recorder.append(event)
                        state.apply(event)
                        if (child := watch.see(event)) is not None:
                            await recorder.durable(event.seq)
                            await self._family.leave(child)
            await recorder.durable(state.seq)
        except Unavailable:
            raise
        except Fenced:
            logger.info("execution %s is driven elsewhere, or ended", execution_id)
            return None
        except AweError as error:
            await self._end_as_failed(execution_id, error)
            await self._family.tell_parent(execution_id, claim.parent)
            return "failed"
        finally:
            del self._signals[execution_id]
        self._ended[execution_id] = state
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        if state.ended:
            await self._family.tell_parent(execution_id, claim.parent)
        return state.status

    async def _end(self, execution_id: ExecutionId, epoch: int, past: Sequence[ev.Event]) -> None:
        """A child that lost its parent is cancelled, and its own children hear of it when they are taken up."""
        recorder = self._journal.recorder(execution_id, epoch)
        last = 0
        for event in cancellation(ExecutionState(execution_id).fold(past), BY_PARENT):
            recorder.append(event)
            last = event.seq
        await recorder.durable(last)

    async def _end_as_failed(self, execution_id: ExecutionId, error: AweError) -> None:
        """The workflow makes no plan any more (a node type is gone), or a node gave something that cannot be stored."""
        logger.error("execution %s cannot go on: %s", execution_id, error)
        claim = await self._store.claim(execution_id)
        if claim is None:
            return
        state = ExecutionState(execution_id).fold(await self._journal.read(execution_id))
        recorder = self._journal.recorder(execution_id, claim.epoch)
        for event in stopped_nodes(state):
            recorder.append(event)
            state.apply(event)
        failed = ev.ExecutionFailed(
            seq=state.seq + 1,
            at=utc_now(),
            code=error.code,
            detail=error.detail,
            path=state.current_node,
            usage=state.usage,
        )
        recorder.append(failed)
        await recorder.durable(failed.seq)

    def _events(
        self,
        execution_id: ExecutionId,
        plan: Plan,
        claim: Claim,
        past: Sequence[ev.Event],
        durable: Any,
        signals: Signals,
    ) -> AsyncGenerator[ev.Event | ev.TextStreamed, None]:
        deps = Deps(execution_id, self.capabilities, claim.user_id, durable=durable, signals=signals)
        done = ExecutionState(execution_id).fold(past) if past else None
        return execute(plan, claim.inputs, deps, done, claim.options)
