"""The engine: one async generator of events. It knows no database, no bus, no page.

A node starts the moment its own inputs are decided; there is no barrier between levels. A node returns
``{port: value}``; an edge whose port is absent is skipped, and a node all of whose edges are skipped is skipped.
Pure nodes run in line; effectful ones run as tasks, each after everything before it is durable (write-ahead).
Stopping the iteration cancels what runs.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed
from awe_app.domain.execution import ExecutionState
from awe_app.domain.ids import ExecutionId, NodeId, Path, UserId, utc_now
from awe_app.domain.models import Usage
from awe_app.domain.node import NodeContext, Outputs
from awe_app.domain.protocols import Capabilities
from awe_app.domain.workflow import ONE_TRY
from awe_app.engine.plan import Plan, PlannedNode
from awe_app.engine.policy import as_failure, with_retries, within
from awe_app.engine.settings import read_config

FAIR_SHARE = 50
"""Pure nodes run in line; after this many the event loop gets a turn."""


async def _already_durable(_seq: int) -> None:
    return


@dataclass(frozen=True, slots=True)
class Deps:
    """What the engine takes from outside; a simulation puts its own in."""

    execution_id: ExecutionId
    capabilities: Capabilities
    user_id: UserId | None = None
    durable: Callable[[int], Awaitable[None]] = _already_durable
    """Waits until every event up to that ``seq`` is stored."""
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


async def execute(
    plan: Plan, inputs: Mapping[str, Any], deps: Deps, done: ExecutionState | None = None
) -> AsyncGenerator[ev.Event | ev.TextStreamed, None]:
    """Run the plan and yield what happens, ending with a final event.

    Args:
        plan: what to run.
        inputs: what the execution was given, already checked.
        deps: clock, durability, capabilities.
        done: the execution so far, folded from its journal; its finished nodes are not run again.
    """
    run = _Run(plan, inputs, deps, done)
    run.begin()
    try:
        while True:
            turns = 0
            while run.ready and run.failure is None:
                await run.start(run.ready.popleft())
                while run.outbox:
                    yield run.outbox.popleft()
                turns += 1
                if turns % FAIR_SHARE == 0:
                    await asyncio.sleep(0)
            if run.failure is not None or not run.tasks:
                break
            await run.wake.wait()
            run.collect()
            while run.outbox:
                yield run.outbox.popleft()
        await run.stop_tasks()
        run.finish()
        while run.outbox:
            yield run.outbox.popleft()
    finally:
        await run.stop_tasks()


@dataclass(slots=True)
class _Failure:
    code: str
    detail: str
    path: Path


@dataclass(slots=True)
class _Spent:
    usage: Usage | None = None

    def add(self, usage: Usage) -> None:
        self.usage = usage if self.usage is None else self.usage + usage


@dataclass(slots=True)
class _Run:
    """One execution in motion: which edges are decided, what is ready, what runs."""

    plan: Plan
    inputs: Mapping[str, Any]
    deps: Deps
    done: ExecutionState | None
    outbox: deque[ev.Event | ev.TextStreamed] = field(default_factory=deque)
    ready: deque[PlannedNode] = field(default_factory=deque)
    tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    settled: deque[tuple[PlannedNode, Outputs | None]] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    failure: _Failure | None = None
    usage: Usage = Usage()
    seq: int = 0
    undecided: list[int] = field(default_factory=list)
    taken: list[bool] = field(default_factory=list)
    edge_values: list[Any] = field(default_factory=list)
    values: dict[NodeId, Any] = field(default_factory=dict)
    """What each node gave, for the result."""
    scope: dict[str, Any] = field(default_factory=dict)

    # Events

    def emit(self, kind: type[ev.Event], **fields: Any) -> None:
        """Number the event and line it up."""
        self.seq += 1
        self.outbox.append(kind(seq=self.seq, at=self.deps.clock(), **fields))
        self.wake.set()

    def log(self, path: Path | None, message: str, level: ev.Level = "info", **data: Any) -> None:
        self.emit(ev.LogWritten, level=level, path=path, message=message, data=data or None)

    # Life

    def begin(self) -> None:
        workflow = self.plan.workflow
        variables = dict(workflow.variables)
        if self.done is None or self.done.seq == 0:
            self.emit(ev.ExecutionStarted, inputs=self.inputs, variables=variables)
            self.log(None, f"Started '{workflow.name}'")
        else:
            self.seq, self.usage = self.done.seq, self.done.usage
            variables = dict(self.done.variables)
            self.emit(ev.ExecutionResumed, reason="recovered")
            self.log(None, "Went on where it had stopped", "warning")
        execution = {"id": self.deps.execution_id}
        self.scope = {"inputs": self.inputs, "variables": variables, "nodes": {}, "execution": execution}
        self.undecided = [len(node.incoming) for node in self.plan.nodes]
        self.taken = [False] * len(self.plan.nodes)
        self.edge_values = [_SKIPPED] * self.plan.edge_count
        self.ready.extend(node for node in self.plan.nodes if not node.incoming)

    async def start(self, node: PlannedNode) -> None:
        """Take one ready node on: reuse what is recorded, skip, hand on, run in line, or begin its task."""
        path = Path(node.spec.id)
        recorded = self.done.node_states.get(path) if self.done is not None else None
        if recorded is not None and (recorded.outputs is not None or recorded.status == "skipped"):
            self.remember(node, recorded.outputs, recorded.error)
            self.settle(node, recorded.outputs)
        elif node.incoming and not self.taken[node.index]:
            self.skip(node, path, None)
        elif node.spec.disabled:
            value = next(iter(self.incoming_of(node).values()), None)
            self.skip(node, path, {node.ports[0]: value} if node.passes_through else None)
        elif node.behaviour.effectful:
            attempt = recorded.attempts + 1 if recorded is not None else 1
            task = asyncio.create_task(self.work(node, path, attempt), name=path)
            task.add_done_callback(lambda _task: self.wake.set())
            self.tasks[node.index] = task
        else:
            await self.run_in_line(node, path)

    def skip(self, node: PlannedNode, path: Path, outputs: Outputs | None) -> None:
        self.emit(ev.NodeSkipped, path=path, node_id=node.spec.id, outputs=outputs)
        self.remember(node, outputs)
        self.settle(node, outputs)

    async def run_in_line(self, node: PlannedNode, path: Path) -> None:
        started_at = self.deps.clock()
        spent = _Spent()
        inputs: Mapping[str, Any] = {}
        try:
            inputs, context = self.context(node, path, 1, spent)
            outputs = await node.behaviour.run(context)
        except Exception as error:
            self.fail(node, path, inputs, started_at, 1, as_failure(error), spent)
            return
        self.finished(node, path, inputs, outputs, started_at, 1, spent)

    async def work(self, node: PlannedNode, path: Path, first_attempt: int) -> None:
        """The task of an effectful node, all its tries included."""
        started_at = self.deps.clock()
        spent = _Spent()
        inputs: Mapping[str, Any] = {}
        attempts = first_attempt

        async def attempt_once(attempt: int) -> Outputs:
            nonlocal inputs, attempts
            attempts = attempt
            inputs, context = self.context(node, path, attempt, spent)
            self.emit(ev.NodeStarted, path=path, node_id=node.spec.id, input=inputs, attempt=attempt)
            await self.deps.durable(self.seq)
            return await within(node.spec.timeout_s, node.behaviour.run(context))

        def on_retry(attempt: int, wait_s: float, failure: NodeFailed) -> None:
            text = f"{failure.detail}; try {attempt} follows in {wait_s:.1f} s"
            self.log(path, text, "warning", code=failure.code, attempt=attempt)

        try:
            outputs = await with_retries(
                node.spec.retry or ONE_TRY,
                attempt_once,
                on_retry=on_retry,
                sleep=self.deps.sleep,
                random=self.deps.random,
                first_attempt=first_attempt,
            )
        except Exception as error:
            self.fail(node, path, inputs, started_at, attempts, as_failure(error), spent, later=True)
            return
        self.finished(node, path, inputs, outputs, started_at, attempts, spent, later=True)

    def context(
        self, node: PlannedNode, path: Path, attempt: int, spent: _Spent
    ) -> tuple[Mapping[str, Any], NodeContext[Any]]:
        """The node's resolved inputs and all that its run may see."""
        scope = self.scope
        inputs: dict[str, Any] = {}
        if node.inputs:
            inputs = {name: value.resolve(scope) for name, value in node.inputs}
            scope = {**scope, **inputs}
        config = node.config
        if config is None:
            config = read_config(type(node.behaviour), node.raw_config.resolve(scope))

        def log(message: str, level: ev.Level = "info", **data: Any) -> None:
            self.log(path, message, level, **data)

        def stream(delta: str) -> None:
            self.outbox.append(ev.TextStreamed(path, delta))
            self.wake.set()

        return inputs, NodeContext(
            execution_id=self.deps.execution_id,
            user_id=self.deps.user_id,
            node_id=node.spec.id,
            path=path,
            config=config,
            inputs=inputs,
            incoming=self.incoming_of(node),
            execution_inputs=self.inputs,
            capabilities=self.deps.capabilities,
            attempt=attempt,
            log=log,
            stream=stream,
            spend=spent.add,
        )

    def incoming_of(self, node: PlannedNode) -> dict[NodeId, Any]:
        values = self.edge_values
        return {e.source_id: values[e.index] for e in node.incoming if values[e.index] is not _SKIPPED}

    # Outcomes

    def finished(
        self,
        node: PlannedNode,
        path: Path,
        inputs: Mapping[str, Any],
        outputs: Outputs,
        started_at: datetime,
        attempt: int,
        spent: _Spent,
        *,
        later: bool = False,
    ) -> None:
        self.emit(
            ev.NodeFinished,
            path=path,
            node_id=node.spec.id,
            input=inputs,
            outputs=outputs,
            started_at=started_at,
            attempt=attempt,
            usage=spent.usage,
        )
        self.account(spent)
        self.remember(node, outputs)
        self.hand_over(node, outputs, later)

    def fail(
        self,
        node: PlannedNode,
        path: Path,
        inputs: Mapping[str, Any],
        started_at: datetime,
        attempt: int,
        failure: NodeFailed,
        spent: _Spent,
        *,
        later: bool = False,
    ) -> None:
        """Apply ``on_error``: end the execution, go on with the default, or leave by ``error``."""
        detail = f"{failure.detail} ({failure.hint})" if failure.hint else failure.detail
        error = {"code": failure.code, "detail": detail}
        outputs: Outputs | None = None
        if node.spec.on_error == "continue":
            outputs = {node.ports[0]: node.spec.default_output}
        elif node.spec.on_error == "branch":
            outputs = {"error": error}
        self.emit(
            ev.NodeFailed,
            path=path,
            node_id=node.spec.id,
            input=inputs,
            started_at=started_at,
            attempt=attempt,
            outputs=outputs,
            usage=spent.usage,
            **error,
        )
        self.account(spent)
        self.emit(ev.ErrorRaised, path=path, **error)
        self.remember(node, outputs, error)
        if outputs is None:
            if self.failure is None:
                self.failure = _Failure(failure.code, detail, path)
            self.wake.set()
        else:
            self.hand_over(node, outputs, later)

    def account(self, spent: _Spent) -> None:
        if spent.usage is not None:
            self.usage += spent.usage

    def remember(self, node: PlannedNode, outputs: Outputs | None, error: Mapping[str, str] | None = None) -> None:
        """Let expressions and the result see what a node gave."""
        value = next(iter(outputs.values()), None) if outputs else None
        self.scope["nodes"][node.spec.id] = {"output": value, "error": error}
        if outputs is not None:
            self.values[node.spec.id] = value

    def hand_over(self, node: PlannedNode, outputs: Outputs, later: bool) -> None:
        """Settle at once, or leave it to ``collect`` when a task reports."""
        if later:
            self.settled.append((node, outputs))
            self.wake.set()
        else:
            self.settle(node, outputs)

    def collect(self) -> None:
        """Take in what the tasks reported since."""
        self.wake.clear()
        for index in [index for index, task in self.tasks.items() if task.done()]:
            task = self.tasks.pop(index)
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
        while self.settled:
            node, outputs = self.settled.popleft()
            self.tasks.pop(node.index, None)
            self.settle(node, outputs)

    def settle(self, node: PlannedNode, outputs: Outputs | None) -> None:
        """Decide the node's outgoing edges; targets with no undecided edge left are ready."""
        for edge in node.outgoing:
            if outputs is not None and edge.port in outputs:
                self.edge_values[edge.index] = outputs[edge.port]
                self.taken[edge.target] = True
            self.undecided[edge.target] -= 1
            if self.undecided[edge.target] == 0:
                self.ready.append(self.plan.nodes[edge.target])

    # End

    async def stop_tasks(self) -> None:
        """Cancel what runs and wait until it is gone; what is done already has reported."""
        running = [(index, task) for index, task in self.tasks.items() if not task.done()]
        self.tasks.clear()
        for _index, task in running:
            task.cancel()
        await asyncio.gather(*(task for _index, task in running), return_exceptions=True)
        for index, _task in running:
            node = self.plan.nodes[index]
            self.emit(ev.NodeCancelled, path=Path(node.spec.id), node_id=node.spec.id)

    def finish(self) -> None:
        if self.failure is not None:
            failure = self.failure
            self.log(None, f"Failed at '{failure.path}': {failure.detail}", "error")
            error = {"code": failure.code, "detail": failure.detail, "path": failure.path}
            self.emit(ev.ExecutionFailed, usage=self.usage, **error)
            return
        self.log(None, "Completed")
        self.emit(ev.ExecutionCompleted, result=self.result(), usage=self.usage)

    def result(self) -> Any:
        """One output node: its value; several, or none (then the leaves): an object by node id."""
        if not self.plan.named_results:
            return self.values.get(self.plan.results[0].spec.id)
        ids = (node.spec.id for node in self.plan.results)
        return {node_id: self.values[node_id] for node_id in ids if node_id in self.values}


class _Skipped:
    """The value of an edge that carries none."""


_SKIPPED = _Skipped()
