"""What an execution need not do again: outputs pinned by a person, and what an earlier execution found out."""

from collections.abc import Iterable, Mapping
from typing import Any

from awe_app.domain import events as ev
from awe_app.domain.errors import Invalid
from awe_app.domain.execution import ExecutionState, NodeState
from awe_app.domain.ids import NodeId, Path
from awe_app.domain.options import Known
from awe_app.engine.plan import Plan, PlannedNode


def pinned(plan: Plan, values: Mapping[str, Any], past: ExecutionState | None = None) -> dict[NodeId, Known]:
    """Outputs as a person says them, by node id.

    A node with several ports leaves by the one it took in ``past``.

    Raises:
        Invalid: ``UNKNOWN_NODE``, or ``PORT_UNKNOWN`` when nothing says by which of its ports a node is left.
    """
    nodes = {node.spec.id: node for node in plan.nodes}
    found: dict[NodeId, Known] = {}
    for name, value in values.items():
        node = nodes.get(NodeId(name))
        if node is None:
            raise Invalid("UNKNOWN_NODE", f"there is no node '{name}' to give an output to", "name one outside loops")
        before = past.node_states.get(Path(name)) if past is not None else None
        found[node.spec.id] = Known({_port(node, before): value})
    return found


def before(plan: Plan, past: ExecutionState, events: Iterable[ev.Event], from_node: str) -> dict[NodeId, Known]:
    """What ``past`` knows of all nodes but ``from_node`` and those that come after it.

    Raises:
        Invalid: ``UNKNOWN_NODE``.
    """
    again = _from(plan, from_node)
    events = list(events)
    variables, said = _variables(events), _said(events)
    found: dict[NodeId, Known] = {}
    for node in plan.nodes:
        state = past.node_states.get(Path(node.spec.id))
        if node.spec.id in again or state is None or state.status not in ("completed", "failed"):
            continue
        if state.outputs is not None and set(state.outputs) <= {*node.ports, "error"}:
            found[node.spec.id] = Known(state.outputs, state.error, variables.get(node.spec.id), said.get(node.spec.id))
    return found


def _port(node: PlannedNode, before: NodeState | None) -> str:
    if len(node.ports) == 1:
        return node.ports[0]
    taken = next(iter(before.outputs), None) if before is not None and before.outputs else None
    if taken is None:
        raise Invalid(
            "PORT_UNKNOWN",
            f"'{node.spec.id}' can be left by {', '.join(node.ports)}, and it never was: its output cannot be set",
            "set the output of a node before it, which it decides by",
        )
    return taken


def _from(plan: Plan, from_node: str) -> set[NodeId]:
    """The node and all that comes after it."""
    start = next((node for node in plan.nodes if node.spec.id == from_node), None)
    if start is None:
        raise Invalid("UNKNOWN_NODE", f"there is no node '{from_node}' to run from", "name one outside loops")
    found: set[NodeId] = set()
    open_ends = [start]
    while open_ends:
        node = open_ends.pop()
        if node.spec.id not in found:
            found.add(node.spec.id)
            open_ends.extend(plan.nodes[edge.target] for edge in node.outgoing)
    return found


def _variables(events: Iterable[ev.Event]) -> dict[NodeId, dict[str, Any]]:
    """The variables that each node of the workflow itself gave new values, a loop those that its inner nodes gave."""
    found: dict[NodeId, dict[str, Any]] = {}
    for event in events:
        if isinstance(event, ev.NodeFinished) and event.variables is not None:
            outermost = NodeId(event.path.partition("[")[0])
            found.setdefault(outermost, {}).update(event.variables)
    return found


def _said(events: Iterable[ev.Event]) -> dict[NodeId, dict[str, list[Mapping[str, Any]]]]:
    """What each node of the workflow itself added to conversations, a loop what its inner nodes did."""
    found: dict[NodeId, dict[str, list[Mapping[str, Any]]]] = {}
    for event in events:
        if isinstance(event, ev.NodeFinished) and event.said is not None:
            threads = found.setdefault(NodeId(event.path.partition("[")[0]), {})
            for thread, turns in event.said.items():
                threads.setdefault(thread, []).extend(turns)
    return found
