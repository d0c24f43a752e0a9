"""A workflow cut down to one node and what it needs."""

from awe_app.domain.errors import Invalid
from awe_app.domain.ids import NodeId
from awe_app.domain.workflow import Workflow


def up_to(workflow: Workflow, node_id: NodeId) -> Workflow:
    """The node, all nodes that lead to it, and what stands inside those that are loops; nothing else.

    Raises:
        Invalid: ``UNKNOWN_NODE``, or ``INSIDE_LOOP`` for a node that is not of the workflow itself.
    """
    node = workflow.node(node_id)
    if node is None:
        raise Invalid("UNKNOWN_NODE", f"there is no node '{node_id}' in this workflow")
    if node.parent_id is not None:
        raise Invalid("INSIDE_LOOP", f"'{node_id}' stands inside '{node.parent_id}'", f"run until '{node.parent_id}'")
    sources: dict[NodeId, list[NodeId]] = {}
    for edge in workflow.edges:
        sources.setdefault(edge.target, []).append(edge.source)
    kept: set[NodeId] = set()
    open_ends = [node_id]
    while open_ends:
        end = open_ends.pop()
        if end not in kept:
            kept.add(end)
            open_ends.extend(sources.get(end, ()))
    parents = {each.id: each.parent_id for each in workflow.nodes}

    def stays(node_id: NodeId) -> bool:
        outermost, parent = node_id, parents[node_id]
        while parent is not None:
            outermost, parent = parent, parents[parent]
        return outermost in kept

    nodes = tuple(each for each in workflow.nodes if stays(each.id))
    edges = tuple(e for e in workflow.edges if stays(e.source) and stays(e.target))
    return workflow.model_copy(update={"nodes": nodes, "edges": edges})
