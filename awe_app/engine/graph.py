"""The workflow as a graph: order, cycles, and who is upstream of whom. networkx works here, once a plan.

It is imported when the first graph is made, because it takes a tenth of the start; ``composition.py`` warms it.
"""

from collections.abc import Mapping

from awe_app.domain.ids import NodeId
from awe_app.domain.workflow import Workflow


class WorkflowGraph:
    """A workflow whose edges and parents all lead somewhere."""

    def __init__(self, workflow: Workflow) -> None:
        self.parents: Mapping[NodeId, NodeId | None] = {node.id: node.parent_id for node in workflow.nodes}
        import networkx as nx

        self.wires: nx.DiGraph = nx.DiGraph()
        self.wires.add_nodes_from(self.parents)
        self.wires.add_edges_from((edge.source, edge.target) for edge in workflow.edges)

    def cycle(self) -> list[NodeId]:
        """The nodes of one cycle of edges, in order; empty when there is none."""
        import networkx as nx

        try:
            return [source for source, _target in nx.find_cycle(self.wires)]
        except nx.NetworkXNoCycle:
            return []

    def containers(self, node_id: NodeId) -> list[NodeId]:
        """The containers around a node, the innermost first; stops where parents form a ring."""
        found: list[NodeId] = []
        parent = self.parents.get(node_id)
        while parent is not None and parent not in found:
            found.append(parent)
            parent = self.parents.get(parent)
        return found

    def upstream(self, node_id: NodeId) -> set[NodeId]:
        """Every node whose output the node may name: its ancestors, and those of the containers around it."""
        import networkx as nx

        found: set[NodeId] = set()
        for inner in (node_id, *self.containers(node_id)):
            found |= nx.ancestors(self.wires, inner)
        return found
