"""The loops of one run that are in motion, with the timers that watch them."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from awe_app.domain.errors import NodeFailed
from awe_app.domain.execution import NodeState
from awe_app.domain.ids import Path
from awe_app.engine.instance import Instance
from awe_app.engine.level import Level
from awe_app.engine.loops import LoopRun
from awe_app.engine.plan import Plan, PlannedNode
from awe_app.engine.tasks import Tasks

if TYPE_CHECKING:
    from awe_app.engine.run import Run


class Loops:
    """Begins loops, and knows those that have not gone on yet."""

    def __init__(self, run: "Run", tasks: Tasks) -> None:
        self._run = run
        self._tasks = tasks
        self._loops: dict[Path, tuple[LoopRun, asyncio.Task[None] | None]] = {}

    def __contains__(self, path: Path) -> bool:
        return path in self._loops

    def begin(self, level: Level, node: PlannedNode, path: Path, body: Plan) -> None:
        """Start a loop's first passes, and its timer if it has a time limit."""
        instance = Instance(self._run, level, node, path, self._run.deps.clock())
        try:
            loop = LoopRun(self._run, instance, body, instance.context(instance.started_at).config)
        except NodeFailed as failure:
            self._run.outcomes.failed(instance, failure)
            return
        timer = None
        if node.spec.timeout_s is not None:
            timer = self._tasks.timer(path, self._expire(loop, node.spec.timeout_s))
        self._loops[path] = (loop, timer)
        loop.begin()

    def let_run_out(self, level: Level, node: PlannedNode, body: Plan, known: NodeState) -> None:
        """The loop had gone on before a crash while passes still ran: let those come to their end."""
        instance = Instance(self._run, level, node, known.path, self._run.deps.clock())
        LoopRun(self._run, instance, body, instance.context(instance.started_at).config).run_out(known)

    async def _expire(self, loop: LoopRun, timeout_s: float) -> None:
        await self._run.deps.sleep(timeout_s)
        if not loop.ended:
            loop.give_up(NodeFailed("NODE_TIMEOUT", f"it took longer than {timeout_s:g} s"))
            self._run.wake.set()

    def advance(self, path: Path) -> None:
        """Something has come in at a loop that is in motion."""
        self._loops[path][0].advance()

    def hear(self) -> None:
        """Let each take the events that are meant for it."""
        for loop, _timer in list(self._loops.values()):
            loop.hear()

    def call_off(self, path: Path) -> None:
        """Stop a loop's passes for good; harmless for a node that is none."""
        if path in self._loops:
            self._loops[path][0].call_off()

    def ended(self, loop: LoopRun) -> None:
        """Forget a loop; its timer has nothing left to watch."""
        _loop, timer = self._loops.pop(loop.path, (loop, None))
        self._tasks.end_timer(timer)

    def empty(self, level: Level | None = None) -> Iterator[tuple[Path, PlannedNode]]:
        """Forget those of a level, or all; gives each."""
        for loop, _timer in list(self._loops.values()):
            if level is None or loop.level.within(level):
                loop.ended = True
                self.ended(loop)
                yield loop.path, loop.node
