"""One node instance while it is at work: what it may see and do, and what it has done so far beside its outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from awe_app.domain import events as ev
from awe_app.domain.ids import Path
from awe_app.domain.models import Usage
from awe_app.domain.node import NodeContext
from awe_app.domain.signals import answer_key
from awe_app.engine.cancelling import NodeControl
from awe_app.engine.level import Level
from awe_app.engine.plan import PlannedNode
from awe_app.engine.settings import read_config

if TYPE_CHECKING:
    from awe_app.engine.run import Run


@dataclass(slots=True)
class Instance:
    """A node in one level of one run; all its tries."""

    run: "Run"
    level: Level
    node: PlannedNode
    path: Path
    started_at: datetime
    attempt: int = 1
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Its own inputs, as this try resolved them."""
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
    accounted: set[str] | None = None
    """What its account holds already, of that which may be told more than once."""

    def context(self, now: datetime) -> NodeContext[Any]:
        """All that this try of the node may see and do; expressions are resolved now.

        Raises:
            NodeFailed: ``EXPRESSION_ERROR``, or ``INVALID_SETTING``: a resolved setting does not fit.
        """
        run, level, node, path = self.run, self.level, self.node, self.path
        scope = level.scope
        if node.inputs:
            self.inputs = {name: value.resolve(scope) for name, value in node.inputs}
            scope = {**scope, **self.inputs}
        config = node.config
        if config is None:
            resolved = node.raw_config.resolve(scope)
            config = read_config(node.behaviour, {**resolved, **node.per_pass_raw} if node.per_pass else resolved)
        known = run.record.of(path)
        waiting = run.waiting.event_of(path)
        self.signal = run.deps.signals.get(answer_key(path, waiting.data) if waiting is not None else path)
        return NodeContext(
            execution_id=run.deps.execution_id,
            user_id=run.deps.user_id,
            node_id=node.spec.id,
            path=path,
            config=config,
            inputs=self.inputs,
            incoming=level.incoming_of(node),
            execution_inputs=run.inputs,
            capabilities=run.deps.capabilities,
            attempt=self.attempt,
            now=now,
            first_started_at=known.started_at if known is not None else None,
            waiting=waiting,
            signal=self.signal,
            steps=run.steps.of(path),
            conversation=run.conversations.of,
            say=self.say,
            control=NodeControl(run, level, node),
            log=self.log,
            stream=self.stream,
            spend=self.spend,
            set_variables=self.set_variables,
        )

    def log(self, message: str, severity: ev.Level = "info", **data: Any) -> None:
        """Add a line to the execution's log."""
        self.run.record.log(self.path, message, severity, **data)

    def stream(self, delta: str) -> None:
        """Show a piece of text."""
        self.run.record.stream(self.path, delta)

    def spend(self, usage: Usage, once: str | None = None) -> None:
        """Add to its account; what bears the same name, once only."""
        if once is not None:
            self.accounted = self.accounted or set()
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
