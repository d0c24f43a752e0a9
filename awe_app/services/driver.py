"""Driving: engine → journal (durable) → bus (told). Whoever drives an execution holds its newest epoch."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from awe_app.adapters.execution_store import Claim, ExecutionStore
from awe_app.adapters.journal import SqlJournal, SqlRecorder
from awe_app.domain import events as ev
from awe_app.domain.errors import AweError, Fenced, Unavailable
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, Path, utc_now
from awe_app.domain.protocols import Bus, Capabilities
from awe_app.domain.signals import answer_key
from awe_app.engine.deps import Deps, Signals
from awe_app.engine.execute import execute
from awe_app.services.endings import cancellation, stopped_nodes
from awe_app.services.family import BY_PARENT, Family, Watch
from awe_app.services.plans import Plans
from awe_app.services.progress import Progress

logger = logging.getLogger(__name__)

REMEMBERED = 128
"""How many small executions that ended here are kept in memory, for those who wait for them."""
MOST_EVENTS_AHEAD = 3_000
MOST_BYTES_AHEAD = 16 * 1024 * 1024
"""How far an execution may run before the journal: what is yet to be stored is in memory."""


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
        self._signals[execution_id] = Signals()

    def forget(self, execution_id: ExecutionId) -> None:
        """The execution will not be driven from its start here."""
        if self._fresh.pop(execution_id, None) is not None:
            self._signals.pop(execution_id, None)

    def forget_end(self, execution_id: ExecutionId) -> None:
        """The execution goes on after its end."""
        self._ended.pop(execution_id, None)

    def ended(self, execution_id: ExecutionId) -> ExecutionState | None:
        """How a small execution ended that was driven here lately; given once. Of others the journal tells."""
        return self._ended.pop(execution_id, None)

    def deliver(self, execution_id: ExecutionId, path: Path, payload: Mapping[str, Any]) -> None:
        """Hand an answer to the execution if it runs here; it is stored already, so nothing is lost if it does not."""
        if (signals := self._signals.get(execution_id)) is not None:
            signals.deliver(path, payload)

    async def drive(self, execution_id: ExecutionId) -> None:
        """Drive one execution to its end, from wherever its journal says it is; sits out a database that is away."""
        wait_s = 1.0
        while True:
            try:
                left = await self._drive_on(execution_id)
                if left is None or left[0].status != "waiting" or not await self._has_its_answer(*left):
                    return
                continue  # what it waits for came while it was being put down
            except (Unavailable, OSError) as error:  # OSError: the server cannot even be reached
                logger.warning("execution %s waits %.0f s for the database: %s", execution_id, wait_s, error)
            await asyncio.sleep(wait_s)
            wait_s = min(60.0, wait_s * 2)

    async def _has_its_answer(self, state: ExecutionState, heard: Signals) -> bool:
        stored = await self._store.signals(state.execution_id)
        waiting = (node.waiting for node in state.node_states.values() if node.status == "waiting")
        asked = (answer_key(event.path, event.data) for event in waiting if event is not None)
        return any(key in stored for key in asked) or heard.misses(stored)

    async def _drive_on(self, execution_id: ExecutionId) -> tuple[ExecutionState, Signals] | None:
        """Drive until it ends or has to wait; gives how it was left, None when it is not this process's any more."""
        claim, done = self._fresh.pop(execution_id, None), None
        if claim is None:
            claim = await self._store.claim(execution_id)
            if claim is None:
                await self._family.tell_parent_of(execution_id)
                return None
            done = ExecutionState(execution_id)
        progress = Progress(ExecutionState(execution_id, claim.workflow_id, claim.user_id), whole=done is None)
        watch = Watch()
        recorder = self._journal.recorder(execution_id, claim.epoch)
        if done is not None:
            await self._catch_up(done, progress, watch)
        signals = self._signals.setdefault(execution_id, Signals())  # first, so that what comes now is not missed
        try:
            if done is not None:
                signals.load(await self._store.signals(execution_id))
            if done is not None and await self._family.disowned(claim.parent):
                await self._end(recorder, progress.state)
                return None
            for child in watch.left_behind:
                await self._family.leave(child)
            plan = self._plans.at(claim.snapshot_id, claim.workflow, claim.options.until)
            deps = Deps(execution_id, self.capabilities, claim.user_id, durable=recorder.durable, signals=signals)
            async with aclosing(execute(plan, claim.inputs, deps, done, claim.options)) as events:
                await self._record(execution_id, events, recorder, progress, watch)
        except Unavailable:
            raise
        except Fenced:
            logger.info("execution %s is driven elsewhere, or ended", execution_id)
            return None
        except AweError as error:
            await self._end_as_failed(execution_id, error)
            await self._family.tell_parent(execution_id, claim.parent)
            return None
        finally:
            self._signals.pop(execution_id, None)
        if progress.whole and progress.state.ended:
            self._ended[execution_id] = progress.state
            while len(self._ended) > REMEMBERED:
                self._ended.popitem(last=False)
        if progress.state.ended:
            await self._family.tell_parent(execution_id, claim.parent)
        return progress.state, signals

    async def _catch_up(self, done: ExecutionState, progress: Progress, watch: Watch) -> None:
        """Take in what has happened so far."""
        async for past in self._journal.chunks(done.execution_id):
            watch.catch_up(past)
            done.fold(past).forget_closed_passes()
            for event in past:
                progress.apply(event, 0)

    async def _record(
        self,
        execution_id: ExecutionId,
        events: AsyncGenerator[ev.Event | ev.TextStreamed],
        recorder: SqlRecorder,
        progress: Progress,
        watch: Watch,
    ) -> None:
        """Hand on what happens, until nothing more does and all of it is stored."""
        stored_bytes = 0
        async for event in events:
            if isinstance(event, ev.TextStreamed):
                self._bus.publish(execution_id, event)
                continue
            recorder.append(event)
            progress.apply(event, recorder.written_bytes)
            if (child := watch.see(event)) is not None:
                await recorder.durable(event.seq)
                await self._family.leave(child)
            if recorder.written_bytes - stored_bytes > MOST_BYTES_AHEAD:
                await recorder.durable(event.seq)
                stored_bytes = recorder.written_bytes
            elif event.seq % 500 == 0:
                await recorder.durable(event.seq - MOST_EVENTS_AHEAD)
        await recorder.durable(progress.state.seq)

    async def _end(self, recorder: SqlRecorder, state: ExecutionState) -> None:
        """A child whose parent has ended is cancelled; its own children hear of it when they are taken up."""
        for event in cancellation(state, BY_PARENT):
            recorder.append(event)
            state.apply(event)
        await recorder.durable(state.seq)

    async def _end_as_failed(self, execution_id: ExecutionId, error: AweError) -> None:
        """The workflow makes no plan any more (a node type is gone), or a node gave something that cannot be stored."""
        logger.error("execution %s cannot go on: %s", execution_id, error)
        claim = await self._store.claim(execution_id)
        if claim is None:
            return
        state = ExecutionState(execution_id, keep=lambda node: node.is_open)
        async for past in self._journal.chunks(execution_id, whole=None):
            state.fold(past)
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
