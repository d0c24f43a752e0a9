"""Ways to change a workflow that keep it whole: ids stay unique and every edge ends at a node.

``domain/edits.py`` says which gesture does which of these. All raise ``Invalid`` and leave the given workflow as it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from awe_app.domain.errors import Invalid
from awe_app.domain.ids import NodeId
from awe_app.domain.references import renamed_in
from awe_app.domain.workflow import MAX_EDGES, MAX_NODES, Edge, NodeSpec, Workflow


def found_node(workflow: Workflow, node_id: str) -> NodeSpec:
    """The node of that id. Raises Invalid ``UNKNOWN_NODE``."""
    node = workflow.node(node_id)
    if node is None:
        raise Invalid("UNKNOWN_NODE", f"there is no node {node_id!r} in this workflow; it may have been deleted")
    return node


def with_nodes(workflow: Workflow, changes: Mapping[NodeId, Mapping[str, Any]]) -> Workflow:
    """The workflow with some fields of some nodes changed."""
    known = {node.id for node in workflow.nodes}
    for node_id in changes:
        if node_id not in known:
            found_node(workflow, node_id)
    nodes = tuple(_changed(n, changes[n.id]) if n.id in changes else n for n in workflow.nodes)
    return workflow.model_copy(update={"nodes": nodes})


def _changed(node: NodeSpec, update: Mapping[str, Any]) -> NodeSpec:
    if update.keys() <= {"position", "config"}:
        return node.model_copy(update=dict(update))
    values = {name: getattr(node, name) for name in NodeSpec.model_fields if name != "config"} | dict(update)
    try:
        return NodeSpec.model_validate({**values, node.config_key: node.config})
    except ValidationError as error:
        raise malformed(error) from None


def inserted(workflow: Workflow, nodes: Iterable[NodeSpec], edges: Iterable[Edge]) -> Workflow:
    """The workflow with these nodes and edges added at the end."""
    return _checked(workflow, (*workflow.nodes, *nodes), (*workflow.edges, *edges))


def doomed(workflow: Workflow, nodes: Iterable[NodeId], edges: Iterable[str]) -> tuple[set[str], set[str]]:
    """Ids of all that goes with these: what stands inside the nodes, and the wires of both."""
    gone: set[str] = set(nodes)
    for node_id in gone:
        found_node(workflow, node_id)
    cut = set(edges)
    if cut - {edge.id for edge in workflow.edges}:
        raise Invalid("UNKNOWN_EDGE", "the edge is not in this workflow; it may have been deleted")
    size = -1
    while len(gone) != size:
        size = len(gone)
        gone |= {node.id for node in workflow.nodes if node.parent_id in gone}
    return gone, cut | {edge.id for edge in workflow.edges if edge.source in gone or edge.target in gone}


def deleted(workflow: Workflow, nodes: Iterable[NodeId], edges: Iterable[str]) -> Workflow:
    """The workflow without these and what goes with them."""
    gone, cut = doomed(workflow, nodes, edges)
    return workflow.model_copy(
        update={
            "nodes": tuple(node for node in workflow.nodes if node.id not in gone),
            "edges": tuple(edge for edge in workflow.edges if edge.id not in cut),
        }
    )


def restored(workflow: Workflow, nodes: Iterable[tuple[int, NodeSpec]], edges: Iterable[tuple[int, Edge]]) -> Workflow:
    """The workflow with these put back at the places (from 0) that they had."""
    all_nodes, all_edges = list(workflow.nodes), list(workflow.edges)
    for index, node in sorted(nodes, key=lambda pair: pair[0]):
        all_nodes.insert(index, node)
    for index, edge in sorted(edges, key=lambda pair: pair[0]):
        all_edges.insert(index, edge)
    return _checked(workflow, tuple(all_nodes), tuple(all_edges))


def replaced(workflow: Workflow, nodes: Mapping[NodeId, NodeSpec], edges: Mapping[str, Edge]) -> Workflow:
    """The workflow with nodes and edges, named by the ids they have now, exchanged for others."""
    for node_id in nodes:
        found_node(workflow, node_id)
    return _checked(
        workflow,
        tuple(nodes.get(node.id, node) for node in workflow.nodes),
        tuple(edges.get(edge.id, edge) for edge in workflow.edges),
    )


def renamed(workflow: Workflow, old: NodeId, new: NodeId) -> Workflow:
    """The workflow with a node's id changed, and with it every wire and expression that names the node."""
    found_node(workflow, old)
    if new != old and workflow.node(new) is not None:
        raise Invalid("DUPLICATE_ID", f"there is a node {new!r} already; choose another id")

    def moved(node_id: NodeId | None) -> NodeId | None:
        return new if node_id == old else node_id

    def rewritten(node: NodeSpec) -> NodeSpec:
        inputs = tuple(i.model_copy(update={"value": renamed_in(i.value, old, new)}) for i in node.inputs)
        update = {"id": moved(node.id), "parent_id": moved(node.parent_id), "inputs": inputs}
        return node.model_copy(update={**update, "config": renamed_in(node.config, old, new)})

    edges = tuple(e.model_copy(update={"source": moved(e.source), "target": moved(e.target)}) for e in workflow.edges)
    return workflow.model_copy(update={"nodes": tuple(rewritten(n) for n in workflow.nodes), "edges": edges})


def difference(now: Workflow, wanted: Workflow) -> tuple[dict[NodeId, NodeSpec], dict[str, Edge]]:
    """What ``replaced`` has to be given to come from one workflow to another with as many nodes and edges."""
    nodes = zip(now.nodes, wanted.nodes, strict=True)
    edges = zip(now.edges, wanted.edges, strict=True)
    return {a.id: b for a, b in nodes if a != b}, {a.id: b for a, b in edges if a != b}


def malformed(error: ValidationError) -> Invalid:
    """A shape that does not fit, said without repeating what was sent."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return Invalid("MALFORMED_EDIT", f"the change cannot be made: {place or 'edit'}: {first['msg']}")


def _checked(workflow: Workflow, nodes: tuple[NodeSpec, ...], edges: tuple[Edge, ...]) -> Workflow:
    """The workflow with these nodes and edges, when ids are unique and every edge ends at a node."""
    if len(nodes) > MAX_NODES or len(edges) > MAX_EDGES:
        raise Invalid("TOO_MANY", f"a workflow holds at most {MAX_NODES} nodes and {MAX_EDGES} edges")
    ids = {node.id for node in nodes}
    if len(ids) < len(nodes):
        raise Invalid("DUPLICATE_ID", "two nodes would have the same id; give the new one another")
    if len({edge.id for edge in edges}) < len(edges):
        raise Invalid("DUPLICATE_ID", "two edges would have the same id; give the new one another")
    for edge in edges:
        if edge.source not in ids or edge.target not in ids:
            gone = edge.target if edge.source in ids else edge.source
            raise Invalid("UNKNOWN_NODE", f"an edge would end at {gone!r}, and there is no such node")
    return workflow.model_copy(update={"nodes": nodes, "edges": edges})
