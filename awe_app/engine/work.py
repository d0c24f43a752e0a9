"""Running one node: resolve its inputs and settings, run it, try again, and report to the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.ids import Path
from awe_app.domain.models import Usage
from awe_app.domain.node import NodeContext, Outputs
from awe_app.domain.workflow import ONE_TRY
from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode
from awe_app.engine.policy import as_failure, with_retries, within
from awe_app.engine.settings import read_config

if TYPE_CHECKING:
    from awe_app.engine.run import Run


@dataclass(slots=True)
class Effects:
    """What one node has done beside its outputs: its cost, all tries together, and the variables it sets."""

    usage: Usage | None = None
    variables: dict[str, Any] | None = None
    """Values for variables, set when the node has finished and not before."""

    def add(self, usage: Usage) -> None:
        """Add to the account."""
        self.usage = usage if self.usage is None else self.usage + usage


async def run_in_line(run: "Run", level: Level, node: PlannedNode, path: Path) -> None:
    """Run a pure node at once; it does not wait for anything."""
    started_at = run.deps.clock()
    effects = Effects()
    inputs: Mapping[str, Any] = {}
    try:
        inputs, ctx = context_of(run, level, node, path, 1, effects)
        outputs = await node.behaviour.run(ctx)
    except Exception as error:
        run.fail(level, node, inputs, started_at, 1, as_failure(error), effects)
        return
    run.finished(level, node, inputs, outputs, started_at, 1, effects)


async def work(run: "Run", level: Level, node: PlannedNode, path: Path, first_attempt: int) -> None:
    """The task of an effectful node, all its tries included."""
    known = run.recorded(path)
    started_at = known.started_at if known is not None and known.started_at is not None else run.deps.clock()
    effects = Effects()
    inputs: Mapping[str, Any] = {}
    attempts = first_attempt

    async def attempt_once(attempt: int) -> Outputs:
        nonlocal inputs, attempts
        attempts = attempt
        inputs, ctx = context_of(run, level, node, path, attempt, effects)
        if ctx.waiting is None:
            run.emit(ev.NodeStarted, path=path, node_id=node.spec.id, input=inputs, attempt=attempt)
            await run.deps.durable(run.seq)
        return await within(node.spec.timeout_s, node.behaviour.run(ctx))

    def on_retry(attempt: int, wait_s: float, failure: NodeFailed) -> None:
        text = f"{failure.detail}; try {attempt} follows in {wait_s:.1f} s"
        run.log(path, text, "warning", code=failure.code, attempt=attempt)

    try:
        outputs = await with_retries(
            node.spec.retry or ONE_TRY,
            attempt_once,
            on_retry=on_retry,
            sleep=run.deps.sleep,
            random=run.deps.random,
            first_attempt=first_attempt,
        )
    except Paused as paused:
        run.pause(level, node, paused)
        return
    except Exception as error:
        run.fail(level, node, inputs, started_at, attempts, as_failure(error), effects, later=True)
        return
    run.finished(level, node, inputs, outputs, started_at, attempts, effects, later=True)


def context_of(
    run: "Run", level: Level, node: PlannedNode, path: Path, attempt: int, effects: Effects
) -> tuple[Mapping[str, Any], NodeContext[Any]]:
    """The node's resolved inputs and all that its run may see."""
    scope = level.scope
    inputs: dict[str, Any] = {}
    if node.inputs:
        inputs = {name: value.resolve(scope) for name, value in node.inputs}
        scope = {**scope, **inputs}
    config = node.config
    if config is None:
        config = read_config(type(node.behaviour), {**node.raw_config.resolve(scope), **node.per_pass_raw})

    def log(message: str, severity: ev.Level = "info", **data: Any) -> None:
        run.log(path, message, severity, **data)

    def stream(delta: str) -> None:
        run.outbox.append(ev.TextStreamed(path, delta))
        run.wake.set()

    def set_variables(values: Mapping[str, Any]) -> None:
        effects.variables = {**(effects.variables or {}), **values}

    known = run.recorded(path)
    return inputs, NodeContext(
        execution_id=run.deps.execution_id,
        user_id=run.deps.user_id,
        node_id=node.spec.id,
        path=path,
        config=config,
        inputs=inputs,
        incoming=level.incoming_of(node),
        execution_inputs=run.inputs,
        capabilities=run.deps.capabilities,
        attempt=attempt,
        now=run.deps.clock(),
        first_started_at=known.started_at if known is not None else None,
        waiting=run.waiting.event_of(path),
        signal=run.deps.signals.get(path),
        log=log,
        stream=stream,
        spend=effects.add,
        set_variables=set_variables,
    )
