"""One level of a plan in motion: the whole workflow, or one pass of a loop's body.

Emit or skip: an edge whose port was not taken is skipped, and a node all of whose edges are skipped is skipped.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from awe_app.domain.ids import NodeId, Path
from awe_app.domain.node import Outputs
from awe_app.engine.plan import Plan, PlannedNode

if TYPE_CHECKING:
    from awe_app.engine.loops import LoopRun


class _Skipped:
    """The value of an edge that carries none."""


_SKIPPED = _Skipped()


class Names(dict[str, Any]):
    """``nodes`` inside a loop: the pass's own, then those around it, without copying them for every pass."""

    def __init__(self, around: Mapping[str, Any]) -> None:
        super().__init__()
        self._around = around

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key) if key in self else self._around.get(key, default)


class Level:
    """Which edges are decided, what came in where, and what each node gave."""

    __slots__ = (
        "_arrivals",
        "_arrived",
        "_edge_values",
        "_settled",
        "_undecided",
        "given_up",
        "open",
        "owner",
        "pass_index",
        "plan",
        "prefix",
        "scope",
        "values",
    )

    def __init__(
        self, plan: Plan, scope: dict[str, Any], prefix: str = "", owner: "LoopRun | None" = None, pass_index: int = 0
    ) -> None:
        self.plan = plan
        self.scope = scope
        self.prefix = prefix
        """What the paths of its nodes begin with: ``each[3]/``."""
        self.owner = owner
        """The loop this is a pass of; None for the workflow itself."""
        self.pass_index = pass_index
        self.given_up = False
        self.open = len(plan.nodes)
        """How many nodes are not settled yet."""
        self.values: dict[NodeId, Any] = {}
        self._undecided = [len(node.incoming) for node in plan.nodes]
        self._arrived = [0] * len(plan.nodes)
        self._arrivals: dict[int, list[Any]] = {}
        self._settled = bytearray(len(plan.nodes))
        self._edge_values: list[Any] = [_SKIPPED] * plan.edge_count

    @property
    def alive(self) -> bool:
        """False once this pass, or one around it, was given up."""
        return not self.given_up and (self.owner is None or self.owner.level.alive)

    def path(self, node: PlannedNode) -> Path:
        """The name of the node's instance in this level."""
        return Path(self.prefix + node.spec.id)

    def reached(self, node: PlannedNode) -> bool:
        """True when a value came to the node, or it has nothing before it."""
        return self._arrived[node.index] > 0 or not node.incoming

    def settled(self, node: PlannedNode) -> bool:
        """True once the node's outgoing edges are decided."""
        return bool(self._settled[node.index])

    def incoming_of(self, node: PlannedNode) -> dict[NodeId, Any]:
        """What came in, by source and in edge order."""
        values = self._edge_values
        return {e.source_id: values[e.index] for e in node.incoming if values[e.index] is not _SKIPPED}

    def arrivals_of(self, node: PlannedNode) -> list[Any]:
        """What has come in so far at a node that is told of each value, in the order in which it came."""
        return self._arrivals.get(node.index, [])

    def decided(self, node: PlannedNode) -> bool:
        """True when nothing more can come in."""
        return self._undecided[node.index] == 0

    def remember(self, node: PlannedNode, outputs: Outputs | None, error: Mapping[str, str] | None = None) -> None:
        """Let expressions and the result see what a node gave."""
        value = next(iter(outputs.values()), None) if outputs else None
        self.scope["nodes"][node.spec.id] = {"output": value, "error": error}
        if outputs is not None:
            self.values[node.spec.id] = value

    def settle(self, node: PlannedNode, outputs: Outputs | None) -> list[PlannedNode]:
        """Decide the node's outgoing edges; gives the nodes that are ready by that."""
        self.open -= 1
        self._settled[node.index] = 1
        ready: list[PlannedNode] = []
        for edge in node.outgoing:
            target = self.plan.nodes[edge.target]
            left = self._undecided[edge.target] = self._undecided[edge.target] - 1
            arrived = self._arrived[edge.target]
            if arrived == target.wanted > 0:
                continue  # it went on with those that came first
            if outputs is not None and edge.port in outputs:
                self._edge_values[edge.index] = outputs[edge.port]
                arrived = self._arrived[edge.target] = arrived + 1
                if target.each_arrival:
                    self._arrivals.setdefault(edge.target, []).append(outputs[edge.port])
                if left == 0 or arrived == target.wanted or target.each_arrival:
                    ready.append(target)
            elif left == 0:
                ready.append(target)
        return ready

    def result(self) -> Any:
        """The value of the one result node; of several, an object by node id."""
        if not self.plan.named_results:
            return self.values.get(self.plan.results[0].spec.id)
        ids = (node.spec.id for node in self.plan.results)
        return {node_id: self.values[node_id] for node_id in ids if node_id in self.values}

    def within(self, level: "Level") -> bool:
        """True when this is that level, or a pass somewhere inside it."""
        inner: Level | None = self
        while inner is not None:
            if inner is level:
                return True
            inner = inner.owner.level if inner.owner is not None else None
        return False
