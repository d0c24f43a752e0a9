"""Cancelling: an execution, and with it those that its nodes have started."""

from awe_app.adapters.child_store import ChildStore
from awe_app.adapters.dispatch import Dispatcher
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.adapters.journal import SqlJournal
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId
from awe_app.services.driver import Driver
from awe_app.services.endings import cancellation
from awe_app.services.family import Family


class Cancelling:
    """Ends executions before their time."""

    def __init__(
        self,
        store: ExecutionStore,
        children: ChildStore,
        journal: SqlJournal,
        driver: Driver,
        family: Family,
        dispatcher: Dispatcher,
    ) -> None:
        self._store = store
        self._children = children
        self._journal = journal
        self._driver = driver
        self._family = family
        self._dispatcher = dispatcher

    async def cancel(self, execution_id: ExecutionId, by: str) -> bool:
        """Stop the execution, running nodes at once, then its children. False when it had ended already."""
        await self._dispatcher.cancel(execution_id)
        self._driver.forget(execution_id)
        claim = await self._store.claim(execution_id)
        if claim is None:
            return False
        self._dispatcher.call_others()
        state = ExecutionState(execution_id, keep=lambda node: node.is_open)
        async for past in self._journal.chunks(execution_id, whole=None):
            state.fold(past)
        recorder = self._journal.recorder(execution_id, claim.epoch)
        for event in cancellation(state, by):
            recorder.append(event)
            state.apply(event)
        await recorder.durable(state.seq)
        await self.cancel_children(execution_id, by)
        await self._family.tell_parent(execution_id, claim.parent)
        return True

    async def cancel_children(self, execution_id: ExecutionId, by: str) -> None:
        """Stop what the nodes of an ended execution had started and waited for."""
        for child in await self._children.unfinished_of(execution_id):
            await self.cancel(child, by)
