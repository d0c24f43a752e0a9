"""Running one node: a pure one in line, an effectful one in a task of its own with all its tries."""

from typing import TYPE_CHECKING, Any

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed, Paused
from awe_app.domain.ids import Path
from awe_app.domain.node import NodeContext, Outputs
from awe_app.domain.workflow import ONE_TRY
from awe_app.engine.instance import Instance
from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode
from awe_app.engine.policy import as_failure, timed_out, with_retries, within

if TYPE_CHECKING:
    from awe_app.engine.run import Run


async def run_in_line(run: "Run", level: Level, node: PlannedNode, path: Path) -> None:
    """Run a pure node at once; it does not wait for anything."""
    now = run.deps.clock()
    instance = Instance(run, level, node, path, now)
    try:
        outputs = await node.behaviour.run(instance.context(now))
    except Exception as error:
        run.outcomes.failed(instance, as_failure(error))
        return
    run.outcomes.finished(instance, outputs)


class Work:
    """An effectful node instance at work.

    Its first try begins where this is made, in the run's own turn: that it has started stands in the journal behind
    the end of the node before it, and one commit stores both. Only then, in its task, does the node itself run.
    """

    __slots__ = ("_begun", "_first_attempt", "_instance", "_run", "_told")

    def __init__(self, run: "Run", level: Level, node: PlannedNode, path: Path, first_attempt: int) -> None:
        known = run.record.of(path)
        now = run.deps.clock()
        started_at = known.started_at if known is not None and known.started_at is not None else now
        self._run = run
        self._instance = Instance(run, level, node, path, started_at, first_attempt)
        self._first_attempt = first_attempt
        self._told: int | None = None
        """Number of the event that says that the present try has begun; None when it only goes on."""
        self._begun: NodeContext[Any] | Exception | None
        """What the first try may see, or why it cannot begin, until the task takes it."""
        try:
            self._begun = self._begin(first_attempt)
        except Exception as error:
            self._begun = error

    async def __call__(self) -> None:
        """All tries; reports to the run."""
        run, instance = self._run, self._instance
        try:
            outputs = await (self._try(self._first_attempt) if instance.node.spec.retry is None else self._tries())
        except Paused as paused:
            run.pause(instance, paused)
        except Exception as error:
            run.outcomes.failed(instance, as_failure(error), later=True)
        else:
            run.outcomes.finished(instance, outputs, later=True)

    async def _tries(self) -> Outputs:
        run, path = self._run, self._instance.path

        def on_retry(attempt: int, wait_s: float, failure: NodeFailed) -> None:
            text = f"{failure.detail}; try {attempt} follows in {wait_s:.1f} s"
            run.record.log(path, text, "warning", code=failure.code, attempt=attempt)

        return await with_retries(
            self._instance.node.spec.retry or ONE_TRY,
            self._try,
            on_retry=on_retry,
            sleep=run.deps.sleep,
            random=run.deps.random,
            first_attempt=self._first_attempt,
            used=self._first_attempt - 1 if path in run.waiting else 0,
        )

    def _begin(self, attempt: int) -> NodeContext[Any]:
        """Let a try begin: resolve what it sees, and say so unless it goes on after a wait."""
        run, instance = self._run, self._instance
        instance.attempt = attempt
        now = run.deps.clock()
        if attempt > self._first_attempt:
            run.waiting.leave(instance.path)  # a new try begins to wait anew
        elif run.waiting.overdue(instance.path, now):
            raise timed_out(instance.node.spec.timeout_s)
        context = instance.context(now)
        if context.waiting is None:
            self._told = run.record.emit(
                ev.NodeStarted,
                path=instance.path,
                node_id=instance.node.spec.id,
                input=instance.inputs,
                attempt=attempt,
            ).seq
        return context

    async def _try(self, attempt: int) -> Outputs:
        begun, self._begun = self._begun, None
        if begun is None:
            begun = self._begin(attempt)
        if isinstance(begun, Exception):
            raise begun
        if self._told is not None:
            await self._run.deps.durable(self._told)
        node = self._instance.node
        return await within(node.spec.timeout_s, node.behaviour.run(begun))
