"""One execution in motion: what is ready, what runs, and the events that come of it."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import Path
from awe_app.domain.node import Outputs
from awe_app.domain.options import RunOptions
from awe_app.domain.signals import answer_key
from awe_app.engine.allowance import Allowance
from awe_app.engine.conversations import Conversations
from awe_app.engine.deps import Deps
from awe_app.engine.exclusive import Sections
from awe_app.engine.inbox import Inbox
from awe_app.engine.instance import Instance
from awe_app.engine.level import Level
from awe_app.engine.looping import Loops
from awe_app.engine.outcomes import Outcomes
from awe_app.engine.plan import Plan, PlannedNode
from awe_app.engine.ready import ReplayQueue
from awe_app.engine.record import Record
from awe_app.engine.steps import StepBook
from awe_app.engine.tasks import Tasks
from awe_app.engine.waiting import Waiter, WaitingRoom
from awe_app.engine.wake import Wake
from awe_app.engine.work import Work, run_in_line


class Run:
    """Starts nodes, collects what they give, and lines up the events. Knows no order but that of readiness."""

    def __init__(
        self, plan: Plan, inputs: Mapping[str, Any], deps: Deps, done: ExecutionState | None, options: RunOptions
    ) -> None:
        self.plan = plan
        self.inputs = inputs
        self.deps = deps
        self.wake = Wake()
        self.record = Record(deps, done, self.wake.call)
        self.ready: deque[tuple[Level, PlannedNode]] | ReplayQueue = (
            deque() if self.record.done is None else ReplayQueue(self.record)
        )
        self.failure: tuple[Path | None, NodeFailed] | None = None
        self.over = False
        """True once nothing more may start: a node failed for good, or ended the execution."""
        self._early_result: tuple[Any] | None = None
        self._sections = Sections()
        self._known = options.known
        self._allowance = Allowance(options.budget, deps.clock(), self.record.done)
        self._carefree = self.record.done is None and not options.known and not self._allowance.limited
        """True when nothing is recorded, known or limited, so that plain nodes simply run."""
        self._tasks = Tasks(self.wake.set)
        self.waiting = WaitingRoom()
        self.inbox = Inbox(self.record, deps.signals)
        self._paused: list[Path] = []
        self.outcomes = Outcomes(self)
        self.loops = Loops(self, self._tasks)
        variables = dict(self.record.done.variables if self.record.done else plan.workflow.variables)
        self.variables = variables
        """What ``variables`` says now; shared by all levels."""
        self.conversations = Conversations(self.record.done)
        self.steps = StepBook(self.record, deps.durable)
        execution = {"id": deps.execution_id}
        self._top = Level(plan, {"inputs": inputs, "variables": variables, "nodes": {}, "execution": execution})

    # Life

    def begin(self) -> None:
        """Say that it starts, and line up the nodes that nothing comes before."""
        done = self.record.done
        if done is None:
            self.record.emit(ev.ExecutionStarted, inputs=self.inputs, variables=dict(self.variables))
            self.record.log(None, f"Started '{self.plan.workflow.name}'")
        elif not done.resumed:
            woken = done.status == "waiting"
            self.record.emit(ev.ExecutionResumed, reason="woken" if woken else "recovered")
            if not woken:
                self.record.log(None, "Went on where it had stopped", "warning")
        self.deps.signals.on_delivery(self.wake.set)
        self.enter(self._top)

    def enter(self, level: Level) -> None:
        """Line up the first nodes of a level."""
        self.ready.extend([(level, node) for node in level.plan.first])
        if self.record.done is not None:  # what was called off before it was reached is so still
            self.ready.extend(
                (level, n) for n in level.plan.nodes if n.incoming and self.record.withdrew(level.path(n))
            )

    def replays(self) -> bool:
        """True while what the journal knows is walked through."""
        return isinstance(self.ready, ReplayQueue) and self.ready.replays()

    def busy(self) -> bool:
        """True while a task, of a node or of a timer, may still report."""
        return bool(self._tasks)

    async def start_next(self) -> None:
        """Take the next ready node on: reuse what is recorded, skip, hand on, run in line, or begin its task."""
        level, node = self.ready.popleft()
        if not level.alive or level.settled(node):
            return
        path = level.path(node)
        if self._carefree and node.plain and level.reached(node):
            await run_in_line(self, level, node, path)
            return
        recorded = self.record.of(path)
        if recorded is not None and recorded.settled:
            outputs = recorded.outputs if recorded.status != "cancelled" else None
            level.remember(node, outputs, recorded.error)
            self.settle(level, node, outputs)
            if node.body is not None and recorded.runs_on:
                self.loops.let_run_out(level, node, node.body, recorded)
        elif recorded is not None and recorded.status == "failed" and recorded.error is not None:
            self.outcomes.failed_before(level, node, recorded.error)
        elif not level.reached(node):
            self.outcomes.skipped(level, node, path, None)
        elif node.spec.disabled:
            value = next(iter(level.incoming_of(node).values()), None)
            self.outcomes.skipped(level, node, path, {node.ports[0]: value} if node.passes_through else None)
        elif node.body is not None and path in self.loops:
            self.loops.advance(path)  # another value has come in
        elif level is self._top and (known := self._known.get(node.spec.id)) is not None:
            self.outcomes.known(level, node, path, known)
        elif node.spec.exclusive is not None and not self._sections.enter(node.spec.exclusive, (level, node)):
            return  # its turn comes
        elif (exceeded := self._allowance.take(self.record.usage)) is not None:
            self.give_up(path, exceeded)
        elif node.body is not None:
            self.loops.begin(level, node, path, node.body)
        elif node.behaviour.effectful:
            if recorded is not None and recorded.status == "waiting" and recorded.waiting is not None:
                self.waiting.enter(path, Waiter(level, node, recorded.waiting))
                self._wake_waiters()
            else:
                self._begin_task(level, node, path, recorded.attempts + 1 if recorded is not None else 1)
        else:
            await run_in_line(self, level, node, path)

    def _begin_task(self, level: Level, node: PlannedNode, path: Path, attempt: int) -> None:
        self._tasks.begin(level, node, path, Work(self, level, node, path, attempt))

    def check_time(self) -> None:
        """End the execution when the time of its budget is over."""
        if self._allowance.deadline is None:
            return
        if (overdue := self._allowance.overdue(self.deps.clock())) is not None:
            self.give_up(None, overdue)

    def give_up(self, path: Path | None, failure: NodeFailed) -> None:
        """Nothing more starts; the first failure counts."""
        if not self.over:
            self.failure, self.over = (path, failure), True

    # Waiting

    def pause(self, instance: Instance, paused: Paused) -> None:
        """A node's task says that it waits, or has to wait on."""
        path, node = instance.path, instance.node
        event = self.waiting.event_of(path)
        if event is None or answer_key(path, event.data) != answer_key(path, paused.data):  # another question
            event = self.record.emit(
                ev.NodeWaiting,
                path=path,
                node_id=node.spec.id,
                reason=paused.reason,
                until=paused.until,
                data=paused.data,
            )
        self.waiting.enter(path, Waiter(instance.level, node, event, seen=instance.signal))
        self._paused.append(path)
        self.wake.set()

    def _wake_waiters(self) -> None:
        """Start again those who have their answer, or whose moment has come."""
        if not self.waiting:
            return
        for path, waiter in self.waiting.called(self.deps.clock(), self.deps.signals):
            known = self.record.of(path)
            self._begin_task(waiter.level, waiter.node, path, known.attempts if known is not None else 1)

    def look_around(self) -> None:
        """Hand events to those they are for, and wake who has an answer or whose moment has come."""
        self.inbox.look()
        self.inbox.serve(self.waiting)
        self.loops.hear()
        self._wake_waiters()

    def park(self) -> None:
        """Say that nothing can run for now."""
        self.record.emit(ev.ExecutionParked, wake_at=self.next_moment())

    def next_moment(self) -> datetime | None:
        """When something happens by itself: a wait ends, or the time of the budget."""
        if not self.waiting:
            return self._allowance.deadline
        moments = (self.waiting.next_moment(), self._allowance.deadline)
        return min((moment for moment in moments if moment is not None), default=None)

    async def wait(self) -> None:
        """Sleep until a task reports, a signal comes, or the moment at which something happens by itself."""
        moment = self.next_moment()
        wait_s = None if moment is None else max(0.0, (moment - self.deps.clock()).total_seconds())
        await self.wake.wait(self.deps.sleep, wait_s)

    def collect(self) -> None:
        """Take in what the tasks reported since."""
        self.wake.clear()
        self._tasks.check()
        for path in self._paused:
            self._tasks.leave(path)
        self._paused.clear()
        self.outcomes.take_reports()
        self._wake_waiters()

    def leave(self, path: Path) -> None:
        """The node instance has reported: it is not at work any more."""
        self._tasks.leave(path)
        self.waiting.leave(path)

    def settle(self, level: Level, node: PlannedNode, outputs: Outputs | None) -> None:
        """Pass on what a node gave; a loop hears when its pass is through."""
        if node.spec.exclusive is not None:
            self._leave_section(node.spec.exclusive, level, node)
        if node.ends and outputs is not None:
            self._early_result = (next(iter(outputs.values()), None),)
            self.over = True
        for target in level.settle(node, outputs):
            self.ready.append((level, target))
        if level.open == 0 and level.owner is not None:
            level.owner.pass_ended(level)

    def _leave_section(self, name: str, level: Level, node: PlannedNode) -> None:
        if (following := self._sections.leave(name, (level, node))) is not None:
            self.ready.append(following)

    def stop_instance(self, level: Level, node: PlannedNode) -> None:
        """Stop whatever the node instance does: its task, its wait, its passes."""
        path = level.path(node)
        self.loops.call_off(path)
        self._tasks.stop_one(path)
        self.waiting.leave(path)

    def abandon(self, level: Level, *, withdrawn: bool = False) -> None:
        """Give a pass up: nothing of it starts any more, and what runs is stopped; ``withdrawn``: for good."""
        level.given_up = True
        stopped = [*self.loops.empty(level), *self._tasks.stop(level)]
        stopped += [(path, waiter.node) for path, waiter in self.waiting.empty(level)]
        for path, node in stopped:
            self.record.emit(ev.NodeCancelled, path=path, node_id=node.spec.id, withdrawn=withdrawn)
        for name, (inner, node) in self._sections.within(level):
            self._leave_section(name, inner, node)

    def cancel_waiting(self) -> None:
        """Nothing waits any more: the execution ends."""
        for path, waiter in self.waiting.empty():
            self.record.emit(ev.NodeCancelled, path=path, node_id=waiter.node.spec.id)

    async def stop(self) -> None:
        """Cancel what runs and wait until it is gone; what is done already has reported."""
        for path, node in [*self._tasks.stop(), *self.loops.empty()]:
            self.record.emit(ev.NodeCancelled, path=path, node_id=node.spec.id)
        await self._tasks.gone()

    def take_apart(self) -> None:
        """It is over. Parts that know it are let go, so that its values are free at once, without the collector."""
        del self.outcomes, self.loops

    def finish(self) -> None:
        """Say how it ended."""
        for path, node_id in self.record.left_behind():
            self.record.emit(ev.NodeCancelled, path=path, node_id=node_id)
        if self.failure is None:
            self.record.log(None, "Completed")
            result = self._top.result() if self._early_result is None else self._early_result[0]
            self.record.emit(ev.ExecutionCompleted, result=result, usage=self.record.usage)
            return
        path, failure = self.failure
        detail = failure.in_full
        self.record.log(None, f"Failed at '{path}': {detail}" if path else f"Failed: {detail}", "error")
        self.record.emit(ev.ExecutionFailed, code=failure.code, detail=detail, path=path, usage=self.record.usage)
