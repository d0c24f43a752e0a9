"""A plan: a workflow that passed validation, with everything decided that can be decided once.

The hot path reads plain tuples: no networkx, no parsing, no validation of settings that hold no expression.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awe_app.domain.errors import Invalid
from awe_app.domain.ids import NodeId
from awe_app.domain.node import Node, NodeConfig
from awe_app.domain.workflow import Edge, NodeSpec, Workflow
from awe_app.engine.expressions import Value, compile_value
from awe_app.engine.settings import read_config
from awe_app.engine.validate import validate

NodeTypes = Mapping[str, type[Node[Any]]]


@dataclass(frozen=True, slots=True)
class PlannedEdge:
    """An edge with its ends as indices into ``Plan.nodes`` and its ports by name."""

    index: int
    source: int
    target: int
    source_id: NodeId
    port: str
    """The port of the source by which it leaves."""


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """A node with its behaviour, its compiled expressions and its edges."""

    index: int
    spec: NodeSpec
    behaviour: Node[Any]
    inputs: tuple[tuple[str, Value], ...]
    config: NodeConfig | None
    """The settings, when they hold no expression."""
    raw_config: Value
    """The settings but ``per_pass``, to be resolved when it runs."""
    per_pass: Mapping[str, Value]
    per_pass_raw: Mapping[str, Any]
    ports: tuple[str, ...]
    incoming: tuple[PlannedEdge, ...]
    outgoing: tuple[PlannedEdge, ...]
    wanted: int
    """It runs when that many values have come; 0: when every edge is decided."""
    each_arrival: bool
    """It is a loop that is told of each value that comes in."""
    plain: bool
    """It is pure, runs once, and nothing is to be asked before it does."""
    ends: bool
    """The execution is over once it has finished."""
    body: "Plan | None"
    """What a loop repeats."""

    @property
    def passes_through(self) -> bool:
        """True for a node that can hand on what came in while it is disabled."""
        return len(self.ports) == 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``execute`` runs: a workflow, or the body of a loop in it. Shared by all executions."""

    workflow: Workflow
    nodes: tuple[PlannedNode, ...]
    first: tuple[PlannedNode, ...]
    """Those that nothing comes before."""
    edge_count: int
    results: tuple[PlannedNode, ...]
    """The nodes whose value is the result: the output nodes, else the leaves."""
    named_results: bool
    """True when the result is an object by node id, False when it is the one result node's value."""


def prepare(workflow: Workflow, node_types: NodeTypes) -> Plan:
    """Check the workflow and make its plan.

    Raises:
        Invalid: ``INVALID_WORKFLOW`` with all issues, when any of them is an error.
    """
    issues = validate(workflow, node_types)
    errors = tuple(issue for issue in issues if issue.severity == "error")
    if errors:
        first = errors[0]
        where = f"'{first.node_id}': " if first.node_id else ""
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise Invalid("INVALID_WORKFLOW", f"{where}{first.message}{more}", issues=errors)
    levels: dict[NodeId | None, list[NodeSpec]] = defaultdict(list)
    wires: dict[NodeId | None, list[Edge]] = defaultdict(list)
    parents = {node.id: node.parent_id for node in workflow.nodes}
    for node in workflow.nodes:
        if node_types[node.type].runs:
            levels[node.parent_id].append(node)
    for edge in workflow.edges:
        wires[parents[edge.source]].append(edge)
    return _Planner(workflow, node_types, levels, wires).level(None)


@dataclass(frozen=True, slots=True)
class _Planner:
    workflow: Workflow
    node_types: NodeTypes
    levels: Mapping[NodeId | None, list[NodeSpec]]
    wires: Mapping[NodeId | None, list[Edge]]

    def level(self, parent_id: NodeId | None) -> Plan:
        """The plan of the workflow itself (None), or of a loop's body."""
        specs = self.levels.get(parent_id, [])
        index_of = {spec.id: index for index, spec in enumerate(specs)}
        ports = [tuple(p.name for p in self.node_types[s.type].ports_out(s.config)) or ("out",) for s in specs]
        incoming: list[list[PlannedEdge]] = [[] for _ in specs]
        outgoing: list[list[PlannedEdge]] = [[] for _ in specs]
        wires = self.wires.get(parent_id, [])
        for number, edge in enumerate(wires):
            source, target = index_of[edge.source], index_of[edge.target]
            planned = PlannedEdge(number, source, target, edge.source, edge.source_handle or ports[source][0])
            incoming[target].append(planned)
            outgoing[source].append(planned)
        nodes = tuple(self.node(i, spec, ports[i], incoming[i], outgoing[i]) for i, spec in enumerate(specs))
        outputs = tuple(node for node in nodes if node.behaviour.gives_result)
        leaves = tuple(node for node in nodes if not node.outgoing)
        first = tuple(node for node in nodes if not node.incoming)
        if parent_id is not None:
            return Plan(self.workflow, nodes, first, len(wires), leaves, len(leaves) != 1)
        return Plan(self.workflow, nodes, first, len(wires), outputs or leaves, len(outputs) != 1)

    def node(
        self,
        index: int,
        spec: NodeSpec,
        ports: tuple[str, ...],
        incoming: list[PlannedEdge],
        outgoing: list[PlannedEdge],
    ) -> PlannedNode:
        """One node, its expressions compiled."""
        node_type = self.node_types[spec.type]
        per_pass = {name: raw for name, raw in spec.config.items() if name in node_type.per_pass}
        config = compile_value({name: raw for name, raw in spec.config.items() if name not in per_pass})
        ready = read_config(node_type, {**config.resolve({}), **per_pass}) if config.constant else None
        return PlannedNode(
            index=index,
            spec=spec,
            behaviour=node_type(),
            inputs=tuple((mapping.name, compile_value(mapping.value)) for mapping in spec.inputs),
            config=ready,
            raw_config=config,
            per_pass={name: compile_value(raw) for name, raw in per_pass.items()},
            per_pass_raw=per_pass,
            ports=ports,
            incoming=tuple(incoming),
            outgoing=tuple(outgoing),
            wanted=node_type.values_wanted(spec.config) or 0,
            each_arrival=node_type.takes_each_arrival(spec.config),
            plain=not (node_type.effectful or node_type.contains or spec.disabled or spec.exclusive is not None),
            ends=node_type.ends_execution(spec.config),
            body=self.level(spec.id) if node_type.contains else None,
        )
