"""The workflow as a graph: order, cycles, and who is upstream of whom. networkx works here, once a plan.

It is imported when the first graph is made, because it takes a tenth of the start; ``composition.py`` warms it.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from awe_app.domain.ids import NodeId
from awe_app.domain.workflow import Workflow

if TYPE_CHECKING:
    import networkx as nx


class WorkflowGraph:
    """A workflow whose edges and parents all lead somewhere."""

    def __init__(self, workflow: Workflow) -> None:
        self.parents: Mapping[NodeId, NodeId | None] = {node.id: node.parent_id for node in workflow.nodes}
        self._edges = workflow.edges
        self._ancestors: tuple[dict[NodeId, int], dict[NodeId, int]] | None = None

    @cached_property
    def wires(self) -> "nx.DiGraph":
        """Nodes and edges; made when it is first asked for, since half of the rules look at containers only."""
        import networkx as nx

        wires: nx.DiGraph = nx.DiGraph()
        wires.add_nodes_from(self.parents)
        wires.add_edges_from((edge.source, edge.target) for edge in self._edges)
        return wires

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

    def is_upstream(self, earlier: NodeId, node_id: NodeId) -> bool:
        """Whether the node may name the output of ``earlier``: an ancestor of it or of a container around it."""
        if self._ancestors is None:
            self._ancestors = self._all_ancestors()
        place, masks = self._ancestors
        return any(masks[inner] >> place[earlier] & 1 for inner in (node_id, *self.containers(node_id)))

    def _all_ancestors(self) -> tuple[dict[NodeId, int], dict[NodeId, int]]:
        """Each node's bit, and its ancestors as bits: one pass for all nodes, where sets would grow with the square."""
        import networkx as nx

        order = list(nx.topological_sort(self.wires))
        place = {node_id: index for index, node_id in enumerate(order)}
        masks: dict[NodeId, int] = {}
        for node_id in order:
            mask = 0
            for parent in self.wires.predecessors(node_id):
                mask |= masks[parent] | 1 << place[parent]
            masks[node_id] = mask
        return place, masks
