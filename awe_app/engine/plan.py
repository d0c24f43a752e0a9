"""A plan: a workflow that passed validation, with everything decided that can be decided once.

The hot path reads plain tuples: no networkx, no parsing, no validation of settings that hold no expression.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from awe_app.domain.errors import Invalid
from awe_app.domain.ids import NodeId
from awe_app.domain.node import Node, NodeConfig
from awe_app.domain.workflow import NodeSpec, Workflow
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
    ports: tuple[str, ...]
    incoming: tuple[PlannedEdge, ...]
    outgoing: tuple[PlannedEdge, ...]

    @property
    def passes_through(self) -> bool:
        """True for a disabled node that can hand on what came in."""
        return len(self.ports) == 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``execute`` runs. Holds nothing of any one execution, so it is shared by all of them."""

    workflow: Workflow
    nodes: tuple[PlannedNode, ...]
    edge_count: int
    results: tuple[PlannedNode, ...]
    """The nodes whose value is the execution's result: the output nodes, else the leaves."""
    named_results: bool
    """True when the result is an object by node id, False when it is the one output node's value."""


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
    specs = [node for node in workflow.nodes if node_types[node.type].runs]
    index_of = {spec.id: index for index, spec in enumerate(specs)}
    ports = [tuple(port.name for port in node_types[spec.type].ports_out(spec.config)) for spec in specs]
    edges: list[PlannedEdge] = []
    incoming: list[list[PlannedEdge]] = [[] for _ in specs]
    outgoing: list[list[PlannedEdge]] = [[] for _ in specs]
    for edge in workflow.edges:
        source, target = index_of[edge.source], index_of[edge.target]
        planned = PlannedEdge(len(edges), source, target, edge.source, edge.source_handle or ports[source][0])
        edges.append(planned)
        incoming[target].append(planned)
        outgoing[source].append(planned)
    nodes = tuple(
        _planned(i, spec, node_types[spec.type], ports[i], incoming[i], outgoing[i]) for i, spec in enumerate(specs)
    )
    outputs = tuple(node for node in nodes if node.behaviour.gives_result)
    leaves = tuple(node for node in nodes if not node.outgoing)
    return Plan(workflow, nodes, len(edges), outputs or leaves, len(outputs) != 1)


def _planned(
    index: int,
    spec: NodeSpec,
    node_type: type[Node[Any]],
    ports: tuple[str, ...],
    incoming: list[PlannedEdge],
    outgoing: list[PlannedEdge],
) -> PlannedNode:
    config = compile_value(spec.config)
    return PlannedNode(
        index=index,
        spec=spec,
        behaviour=node_type(),
        inputs=tuple((mapping.name, compile_value(mapping.value)) for mapping in spec.inputs),
        config=read_config(node_type, config.resolve({})) if config.constant else None,
        raw_config=config,
        ports=ports or ("out",),
        incoming=tuple(incoming),
        outgoing=tuple(outgoing),
    )
