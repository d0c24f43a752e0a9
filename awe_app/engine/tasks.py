"""The asyncio tasks of one run: one for each effectful node at work, and the timers beside them."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from awe_app.domain.errors import Fenced
from awe_app.domain.ids import Path
from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode

Work = Coroutine[Any, Any, None]


@dataclass(slots=True)
class _Task:
    level: Level
    node: PlannedNode
    handle: asyncio.Task[None]


class Tasks:
    """Every task of a run has this owner; none outlives it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._tasks: dict[Path, _Task] = {}
        self._stopping: list[asyncio.Task[None]] = []
        self._broken_by: BaseException | None = None

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def begin(self, level: Level, node: PlannedNode, path: Path, work: Callable[[], Work]) -> None:
        """Start the node's work; the run is woken when it is over."""
        handle = asyncio.create_task(self._watched(path, work), name=path)
        self._tasks[path] = _Task(level, node, handle)

    async def _watched(self, path: Path, work: Callable[[], Work]) -> None:
        """The work, which reports on its own; when it breaks off instead, the run hears of that."""
        try:
            await work()
        except asyncio.CancelledError:
            if self._is_here(path):  # nobody stopped it: the node did that to itself
                self.leave(path)
                self._wake()
            raise
        except (Exception, Fenced) as error:
            if not self._is_here(path):
                raise
            self._broken_by = error
            self._wake()

    def _is_here(self, path: Path) -> bool:
        task = self._tasks.get(path)
        return task is not None and task.handle is asyncio.current_task()

    def timer(self, path: Path, work: Work) -> asyncio.Task[None]:
        """Start a timer; nobody waits for it, and ``end_timer`` ends it."""
        return asyncio.create_task(work, name=f"{path} timer")

    def end_timer(self, timer: asyncio.Task[None] | None) -> None:
        """Stop a timer that has nothing left to watch; harmless from inside it."""
        if timer is not None and timer is not asyncio.current_task():
            timer.cancel()
            self._stopping.append(timer)

    def leave(self, path: Path) -> None:
        """The node has reported, or waits: its task does nothing more."""
        self._tasks.pop(path, None)

    def check(self) -> None:
        """Raise what one broke off with, if one did: the execution is driven elsewhere, or the engine has a defect."""
        if self._broken_by is not None:
            raise self._broken_by

    def stop(self, within: Level | None = None) -> Iterator[tuple[Path, PlannedNode]]:
        """Cancel all, or those of one level; gives each that was still at work."""
        for path, task in list(self._tasks.items()):
            if within is not None and not task.level.within(within):
                continue
            del self._tasks[path]
            if not task.handle.done():
                task.handle.cancel()
                self._stopping.append(task.handle)
                yield path, task.node

    def stop_one(self, path: Path) -> None:
        """Cancel the task of one node instance, if it has one."""
        task = self._tasks.pop(path, None)
        if task is not None and not task.handle.done():
            task.handle.cancel()
            self._stopping.append(task.handle)

    async def gone(self) -> None:
        """Return when all that were cancelled are gone."""
        stopping, self._stopping = self._stopping, []
        await asyncio.gather(*stopping, return_exceptions=True)
