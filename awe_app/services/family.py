"""What parent and child executions owe each other while they are driven.

A child's end is stored as a signal for its parent in the same commit (``adapters/journal_batch.py``); here the parent
is woken. A node that no longer waits for its child (it ran out of time, or its execution ended) takes the child along.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from awe_app.adapters.child_store import ChildStore
from awe_app.adapters.dispatch import Dispatcher
from awe_app.adapters.execution_store import ExecutionStore
from awe_app.domain import events as ev
from awe_app.domain.ids import ExecutionId, Path
from awe_app.domain.options import Parent

Cancel = Callable[[ExecutionId, str], Awaitable[object]]
Deliver = Callable[[ExecutionId, Path, Mapping[str, Any]], None]

BY_PARENT = "its parent execution"


class Watch:
    """Which children the nodes of one execution wait for."""

    def __init__(self) -> None:
        self._children: dict[Path, ExecutionId] = {}
        self.left_behind: list[ExecutionId] = []
        """Children that nobody waited for any more when the execution was taken up; perhaps they still run."""

    def catch_up(self, past: Iterable[ev.Event]) -> None:
        """Take in what had happened before the execution was taken up."""
        self.left_behind += [child for event in past if (child := self.see(event)) is not None]

    def see(self, event: ev.Event) -> ExecutionId | None:
        """Take in an event; gives a child that nobody waits for any more."""
        if isinstance(event, ev.NodeWaiting):
            if event.reason == "execution" and event.data is not None:
                self._children[event.path] = ExecutionId(event.data["execution_id"])
        elif isinstance(event, ev.NodeFinished):
            self._children.pop(event.path, None)
        elif isinstance(event, ev.NodeFailed | ev.NodeCancelled):
            return self._children.pop(event.path, None)
        return None


class Family:
    """The links between the executions of this database."""

    def __init__(self, children: ChildStore, store: ExecutionStore) -> None:
        self._children = children
        self._store = store
        self._dispatcher: Dispatcher | None = None
        self._deliver: Deliver = lambda *_: None
        self.cancel: Cancel | None = None
        """Ends an execution: ``Cancelling.cancel``."""

    def connect(self, dispatcher: Dispatcher, deliver: Deliver, cancel: Cancel) -> None:
        """Say who wakes, who hears and who cancels; they need the driver, and the driver needs this."""
        self._dispatcher, self._deliver, self.cancel = dispatcher, deliver, cancel

    async def disowned(self, parent: Parent | None) -> bool:
        """True for a child whose parent has ended: it shall end too."""
        return parent is not None and await self._children.has_ended(parent.execution_id)

    async def leave(self, child: ExecutionId) -> None:
        """Cancel a child that nobody waits for."""
        if self.cancel is not None:
            await self.cancel(child, BY_PARENT)

    async def tell_parent(self, child: ExecutionId, parent: Parent | None) -> None:
        """A child has ended, and that is stored: let its parent go on, wherever it is."""
        if parent is None or self._dispatcher is None:
            return
        await self._children.wake(parent.execution_id)
        if self._dispatcher.running(parent.execution_id):
            report = (await self._store.signals(parent.execution_id)).get(parent.path)
            if report is not None:
                self._deliver(parent.execution_id, parent.path, report)
        else:
            self._dispatcher.wake(parent.execution_id)

    async def tell_parent_of(self, child: ExecutionId) -> None:
        """``tell_parent`` for an ended execution of which only the id is known: perhaps a crash came between."""
        await self.tell_parent(child, await self._children.parent_of(child))
