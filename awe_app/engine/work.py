"""Running one node: resolve its inputs and settings, run it, try again, and report to the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.ids import Path
from awe_app.domain.models import Usage
from awe_app.domain.node import NodeContext, Outputs
from awe_app.domain.signals import answer_key
from awe_app.domain.workflow import ONE_TRY
from awe_app.engine.cancelling import NodeControl
from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode
from awe_app.engine.policy import as_failure, timed_out, with_retries, within
from awe_app.engine.settings import read_config

if TYPE_CHECKING:
    from awe_app.engine.run import Run


@dataclass(slots=True)
class Instance:
    """One node instance while it is at work: what it is, and what it has done so far beside its outputs."""

    level: Level
    node: PlannedNode
    path: Path
    started_at: datetime
    attempt: int = 1
    inputs: Mapping[str, Any] = field(default_factory=dict)
    usage: Usage | None = None
    """Its cost, all tries together."""
    variables: dict[str, Any] | None = None
    """Values for variables, set when the node has finished and not before."""
    signal: Mapping[str, Any] | None = None
    """The answer that this try has seen."""

    said: dict[str, list[Mapping[str, Any]]] | None = None
    """What it adds to conversations, heard when it has finished and not before."""
    runs_on: bool | None = None
    """True for a loop that goes on while some of its passes still run."""

    accounted: set[str] = field(default_factory=set)
    """What its account holds already, of that which may be told more than once."""

    def spend(self, usage: Usage, once: str | None = None) -> None:
        """Add to its account; what bears the same name, once only."""
        if once is not None:
            if once in self.accounted:
                return
            self.accounted.add(once)
        self.usage = usage if self.usage is None else self.usage + usage

    def set_variables(self, values: Mapping[str, Any]) -> None:
        """Note new values for variables."""
        self.variables = {**(self.variables or {}), **values}

    def say(self, thread: str, turns: Sequence[Mapping[str, Any]]) -> None:
        """Note what is added to a conversation."""
        self.said = self.said or {}
        self.said.setdefault(thread, []).extend(turns)


async def run_in_line(run: "Run", level: Level, node: PlannedNode, path: Path) -> None:
    """Run a pure node at once; it does not wait for anything."""
    instance = Instance(level, node, path, run.deps.clock())
    try:
        outputs = await node.behaviour.run(context_of(run, instance))
    except Exception as error:
        run.fail(instance, as_failure(error))
        return
    run.finished(instance, outputs)


async def work(run: "Run", level: Level, node: PlannedNode, path: Path, first_attempt: int) -> None:
    """The task of an effectful node, all its tries included."""
    known = run.record.of(path)
    started_at = known.started_at if known is not None and known.started_at is not None else run.deps.clock()
    instance = Instance(level, node, path, started_at, first_attempt)

    async def attempt_once(attempt: int) -> Outputs:
        instance.attempt = attempt
        if attempt > first_attempt:
            run.waiting.leave(path)  # a new try begins to wait anew
        elif run.waiting.overdue(path, run.deps.clock()):
            raise timed_out(node.spec.timeout_s)
        context = context_of(run, instance)
        if context.waiting is None:
            run.record.emit(ev.NodeStarted, path=path, node_id=node.spec.id, input=instance.inputs, attempt=attempt)
            await run.deps.durable(run.record.seq)
        return await within(node.spec.timeout_s, node.behaviour.run(context))

    def on_retry(attempt: int, wait_s: float, failure: NodeFailed) -> None:
        text = f"{failure.detail}; try {attempt} follows in {wait_s:.1f} s"
        run.record.log(path, text, "warning", code=failure.code, attempt=attempt)

    try:
        outputs = await with_retries(
            node.spec.retry or ONE_TRY,
            attempt_once,
            on_retry=on_retry,
            sleep=run.deps.sleep,
            random=run.deps.random,
            first_attempt=first_attempt,
            used=first_attempt - 1 if path in run.waiting else 0,
        )
    except Paused as paused:
        run.pause(instance, paused)
        return
    except Exception as error:
        run.fail(instance, as_failure(error), later=True)
        return
    run.finished(instance, outputs, later=True)


def context_of(run: "Run", instance: Instance) -> NodeContext[Any]:
    """All that this try of the node may see; its own inputs, resolved now, are noted in the instance."""
    level, node, path = instance.level, instance.node, instance.path
    scope = level.scope
    if node.inputs:
        instance.inputs = {name: value.resolve(scope) for name, value in node.inputs}
        scope = {**scope, **instance.inputs}
    config = node.config
    if config is None:
        config = read_config(type(node.behaviour), {**node.raw_config.resolve(scope), **node.per_pass_raw})

    def log(message: str, severity: ev.Level = "info", **data: Any) -> None:
        run.record.log(path, message, severity, **data)

    def stream(delta: str) -> None:
        run.record.stream(path, delta)

    known = run.record.of(path)
    waiting = run.waiting.event_of(path)
    instance.signal = run.deps.signals.get(answer_key(path, waiting.data) if waiting is not None else path)
    return NodeContext(
        execution_id=run.deps.execution_id,
        user_id=run.deps.user_id,
        node_id=node.spec.id,
        path=path,
        config=config,
        inputs=instance.inputs,
        incoming=level.incoming_of(node),
        execution_inputs=run.inputs,
        capabilities=run.deps.capabilities,
        attempt=instance.attempt,
        now=run.deps.clock(),
        first_started_at=known.started_at if known is not None else None,
        waiting=waiting,
        signal=instance.signal,
        steps=run.steps.of(path),
        conversation=run.conversations.of,
        say=instance.say,
        control=NodeControl(run, level, node),
        log=log,
        stream=stream,
        spend=instance.spend,
        set_variables=instance.set_variables,
    )
