"""One execution in motion: what is ready, what runs, and the events that come of it."""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import Path
from awe_app.domain.node import Outputs
from awe_app.domain.options import Known, RunOptions
from awe_app.domain.signals import answer_key
from awe_app.engine.allowance import Allowance
from awe_app.engine.conversations import Conversations
from awe_app.engine.deps import Deps
from awe_app.engine.exclusive import Sections
from awe_app.engine.inbox import Inbox
from awe_app.engine.level import Level
from awe_app.engine.looping import Loops
from awe_app.engine.plan import Plan, PlannedNode
from awe_app.engine.ready import ReplayQueue
from awe_app.engine.record import Record
from awe_app.engine.steps import StepBook
from awe_app.engine.tasks import Tasks
from awe_app.engine.waiting import Waiter, WaitingRoom
from awe_app.engine.work import Instance, run_in_line, work


class Run:
    """Starts nodes, collects what they give, and lines up the events. Knows no order but that of readiness."""

    def __init__(
        self, plan: Plan, inputs: Mapping[str, Any], deps: Deps, done: ExecutionState | None, options: RunOptions
    ) -> None:
        self.plan = plan
        self.inputs = inputs
        self.deps = deps
        self.wake = asyncio.Event()
        self.record = Record(deps, done, self.wake.set)
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
        self._tasks = Tasks(self.wake.set)
        self.waiting = WaitingRoom()
        self.inbox = Inbox(self.record, deps.signals)
        self._paused: list[Path] = []
        self._reported: deque[tuple[Level, PlannedNode, Outputs | NodeFailed]] = deque()
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
        self.ready.extend((level, node) for node in level.plan.nodes if not node.incoming)
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
        recorded = self.record.of(path)
        if recorded is not None and recorded.settled:
            outputs = recorded.outputs if recorded.status != "cancelled" else None
            level.remember(node, outputs, recorded.error)
            self.settle(level, node, outputs)
            if node.body is not None and recorded.runs_on:
                self.loops.let_run_out(level, node, node.body, recorded)
        elif recorded is not None and recorded.status == "failed" and recorded.error is not None:
            self._fail_again(level, node, recorded.error)
        elif not level.reached(node):
            self._skip(level, node, path, None)
        elif node.spec.disabled:
            value = next(iter(level.incoming_of(node).values()), None)
            self._skip(level, node, path, {node.ports[0]: value} if node.passes_through else None)
        elif node.body is not None and path in self.loops:
            self.loops.advance(path)  # another value has come in
        elif level is self._top and (known := self._known.get(node.spec.id)) is not None:
            self._reuse(level, node, path, known)
        elif node.spec.exclusive is not None and not self._sections.enter(node.spec.exclusive, (level, node)):
            return  # its turn comes
        elif (exceeded := self._allowance.take(self.record.usage)) is not None:
            self._give_up(path, exceeded)
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
        self._tasks.begin(level, node, path, work(self, level, node, path, attempt))

    def check_time(self) -> None:
        """End the execution when the time of its budget is over."""
        if self._allowance.deadline is None:
            return
        if (overdue := self._allowance.overdue(self.deps.clock())) is not None:
            self._give_up(None, overdue)

    def _give_up(self, path: Path | None, failure: NodeFailed) -> None:
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

    def collect(self) -> None:
        """Take in what the tasks reported since."""
        self.wake.clear()
        self._tasks.reap()
        for path in self._paused:
            self._tasks.leave(path)
        self._paused.clear()
        while self._reported:
            level, node, outcome = self._reported.popleft()
            self._tasks.leave(level.path(node))
            self.waiting.leave(level.path(node))
            if not level.alive or level.settled(node):
                continue
            if isinstance(outcome, NodeFailed):
                self._escalate(level, node, outcome)
            else:
                self.settle(level, node, outcome)
        self._wake_waiters()

    def settle(self, level: Level, node: PlannedNode, outputs: Outputs | None) -> None:
        """Pass on what a node gave; a loop hears when its pass is through."""
        if node.spec.exclusive is not None:
            self._leave_section(node.spec.exclusive, level, node)
        if node.ends and outputs is not None:
            self._early_result = (next(iter(outputs.values()), None),)
            self.over = True
        self.ready.extend((level, target) for target in level.settle(node, outputs))
        if level.open == 0 and level.owner is not None:
            level.owner.pass_ended(level)

    def _leave_section(self, name: str, level: Level, node: PlannedNode) -> None:
        if (following := self._sections.leave(name, (level, node))) is not None:
            self.ready.append(following)

    def has_reported(self, level: Level, node: PlannedNode) -> bool:
        """True when the node's task has ended and its outcome stands recorded, though it is not settled yet."""
        return any(level is its_level and node is its_node for its_level, its_node, _outcome in self._reported)

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
        detail = _detail(failure)
        self.record.log(None, f"Failed at '{path}': {detail}" if path else f"Failed: {detail}", "error")
        self.record.emit(ev.ExecutionFailed, code=failure.code, detail=detail, path=path, usage=self.record.usage)

    # Nodes

    def _skip(self, level: Level, node: PlannedNode, path: Path, outputs: Outputs | None) -> None:
        self.record.emit(ev.NodeSkipped, path=path, node_id=node.spec.id, outputs=outputs)
        level.remember(node, outputs)
        self.settle(level, node, outputs)

    def _reuse(self, level: Level, node: PlannedNode, path: Path, known: Known) -> None:
        """The node is not run: what it gives is known. ``attempt=0`` says so in the journal."""
        told = {
            "path": path,
            "node_id": node.spec.id,
            "input": {},
            "outputs": known.outputs,
            "started_at": self.deps.clock(),
            "attempt": 0,
        }
        if known.error is not None:
            self.record.emit(ev.NodeFailed, **told, **known.error)
        else:
            self.record.emit(ev.NodeFinished, **told, variables=known.variables, said=known.said)
        self.variables.update(known.variables or {})
        self.conversations.add(known.said)
        level.remember(node, known.outputs, known.error)
        self.settle(level, node, known.outputs)

    def finished(self, instance: Instance, outputs: Outputs, *, later: bool = False) -> None:
        """A node gave its value. ``later``: a task says so, and the run settles it in its own turn."""
        level, node = instance.level, instance.node
        self.record.spend(instance.usage)
        self.record.emit(
            ev.NodeFinished,
            path=instance.path,
            node_id=node.spec.id,
            input=instance.inputs,
            outputs=outputs,
            started_at=instance.started_at,
            attempt=instance.attempt,
            usage=instance.usage,
            variables=instance.variables,
            runs_on=instance.runs_on,
            said=instance.said,
        )
        if instance.variables is not None:
            self.variables.update(instance.variables)
        if instance.said is not None:
            self.conversations.add(instance.said)
        if node.behaviour.effectful:
            self.steps.close(instance.path)
        level.remember(node, outputs)
        if later:
            self._reported.append((level, node, outputs))
        else:
            self.settle(level, node, outputs)

    def fail(self, instance: Instance, failure: NodeFailed, *, later: bool = False) -> None:
        """Apply ``on_error``: end what the node is part of, go on with the default, or leave by ``error``."""
        level, node = instance.level, instance.node
        error = {"code": failure.code, "detail": _detail(failure)}
        outputs: Outputs | None = None
        if node.spec.on_error == "continue":
            outputs = {node.ports[0]: node.spec.default_output}
        elif node.spec.on_error == "branch":
            outputs = {"error": error}
        self.record.spend(instance.usage)
        self.record.emit(
            ev.NodeFailed,
            path=instance.path,
            node_id=node.spec.id,
            input=instance.inputs,
            started_at=instance.started_at,
            attempt=instance.attempt,
            outputs=outputs,
            usage=instance.usage,
            **error,
        )
        self.record.emit(ev.ErrorRaised, path=instance.path, **error)
        level.remember(node, outputs, error)
        if later:
            self._reported.append((level, node, failure if outputs is None else outputs))
        elif outputs is None:
            self._escalate(level, node, failure)
        else:
            self.settle(level, node, outputs)

    def _fail_again(self, level: Level, node: PlannedNode, error: Mapping[str, str]) -> None:
        """The node had failed for good, and nobody has resumed the execution since: it is not run again."""
        for path, node_id in self.record.left_behind():  # there was no time left to say that they were stopped
            if path is not None and path.startswith(level.prefix):
                self.record.emit(ev.NodeCancelled, path=path, node_id=node_id)
        level.remember(node, None, error)
        self._escalate(level, node, NodeFailed(error["code"], error["detail"]))

    def _escalate(self, level: Level, node: PlannedNode, failure: NodeFailed) -> None:
        """A node failed for good: its loop decides, or the execution ends."""
        if level.owner is not None:
            level.owner.pass_failed(level, failure)
        else:
            self._give_up(level.path(node), failure)


def _detail(failure: NodeFailed) -> str:
    return f"{failure.detail} ({failure.hint})" if failure.hint else failure.detail
