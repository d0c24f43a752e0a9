"""What comes of node instances: recorded, remembered where expressions look, and passed on."""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from awe_app.domain import events as ev
from awe_app.domain.errors import NodeFailed
from awe_app.domain.ids import Path
from awe_app.domain.node import Outputs
from awe_app.domain.options import Known
from awe_app.engine.instance import Instance
from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode

if TYPE_CHECKING:
    from awe_app.engine.run import Run


class Outcomes:
    """Takes the outcomes of one run's nodes. ``later``: a task tells, and the run settles it in its own turn."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._record = run.record
        self._reported: deque[tuple[Level, PlannedNode, Outputs | NodeFailed]] = deque()

    def finished(self, instance: Instance, outputs: Outputs, *, later: bool = False) -> None:
        """A node gave its value."""
        run, level, node = self._run, instance.level, instance.node
        self._record.spend(instance.usage)
        self._record.finished(instance, outputs)
        if instance.variables is not None:
            run.variables.update(instance.variables)
        if instance.said is not None:
            run.conversations.add(instance.said)
        level.remember(node, outputs)
        if later:
            run.steps.close(instance.path)
            self._report(level, node, outputs)
        else:
            run.settle(level, node, outputs)

    def failed(self, instance: Instance, failure: NodeFailed, *, later: bool = False) -> None:
        """Apply ``on_error``: end what the node is part of, go on with the default, or leave by ``error``."""
        level, node = instance.level, instance.node
        error = {"code": failure.code, "detail": failure.in_full}
        outputs: Outputs | None = None
        if node.spec.on_error == "continue":
            outputs = {node.ports[0]: node.spec.default_output}
        elif node.spec.on_error == "branch":
            outputs = {"error": error}
        self._record.spend(instance.usage)
        self._record.emit(
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
        self._record.emit(ev.ErrorRaised, path=instance.path, **error)
        level.remember(node, outputs, error)
        if later:
            self._report(level, node, failure if outputs is None else outputs)
        else:
            self._pass_on(level, node, failure if outputs is None else outputs)

    def skipped(self, level: Level, node: PlannedNode, path: Path, outputs: Outputs | None) -> None:
        """No value reached the node, or it is disabled and hands on ``outputs``."""
        self._record.emit(ev.NodeSkipped, path=path, node_id=node.spec.id, outputs=outputs)
        level.remember(node, outputs)
        self._run.settle(level, node, outputs)

    def known(self, level: Level, node: PlannedNode, path: Path, known: Known) -> None:
        """The node is not run: what it gives is known. ``attempt=0`` says so in the journal."""
        told = {
            "path": path,
            "node_id": node.spec.id,
            "input": {},
            "outputs": known.outputs,
            "started_at": self._run.deps.clock(),
            "attempt": 0,
        }
        if known.error is not None:
            self._record.emit(ev.NodeFailed, **told, **known.error)
        else:
            self._record.emit(ev.NodeFinished, **told, variables=known.variables, said=known.said)
        self._run.variables.update(known.variables or {})
        self._run.conversations.add(known.said)
        level.remember(node, known.outputs, known.error)
        self._run.settle(level, node, known.outputs)

    def failed_before(self, level: Level, node: PlannedNode, error: Mapping[str, str]) -> None:
        """The node had failed for good, and nobody has resumed the execution since: it is not run again."""
        for path, node_id in self._record.left_behind():  # there was no time left to say that they were stopped
            if path is not None and path.startswith(level.prefix):
                self._record.emit(ev.NodeCancelled, path=path, node_id=node_id)
        level.remember(node, None, error)
        self._pass_on(level, node, NodeFailed(error["code"], error["detail"]))

    def _report(self, level: Level, node: PlannedNode, outcome: Outputs | NodeFailed) -> None:
        self._reported.append((level, node, outcome))
        self._run.wake.set()

    def has_reported(self, level: Level, node: PlannedNode) -> bool:
        """True when the node's task has ended and its outcome stands recorded, though it is not settled yet."""
        return any(level is its_level and node is its_node for its_level, its_node, _outcome in self._reported)

    def take_reports(self) -> None:
        """Settle what tasks have told since."""
        while self._reported:
            level, node, outcome = self._reported.popleft()
            self._run.leave(level.path(node))
            if level.alive and not level.settled(node):
                self._pass_on(level, node, outcome)

    def _pass_on(self, level: Level, node: PlannedNode, outcome: Outputs | NodeFailed) -> None:
        """Settle the node; when it failed for good, its loop decides, or the execution ends."""
        if not isinstance(outcome, NodeFailed):
            self._run.settle(level, node, outcome)
        elif level.owner is not None:
            level.owner.pass_failed(level, outcome)
        else:
            self._run.give_up(level.path(node), outcome)
