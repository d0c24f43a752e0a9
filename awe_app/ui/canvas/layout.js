// Tidy: nodes in layers from left to right. Dagre is loaded when it is first needed.

const GAP = {x: 44, y: 32};

/** New positions by node id for everything that is not a note and stands in no container. */
export async function tidyPositions(workflow, sizeOf) {
  const {Graph, layout} = await import("@dagrejs/dagre").then((m) => ({
    Graph: (m.default ?? m).graphlib.Graph, layout: (m.default ?? m).layout,
  }));
  const graph = new Graph();
  graph.setGraph({rankdir: "LR", nodesep: GAP.y, ranksep: GAP.x, marginx: 0, marginy: 0});
  graph.setDefaultEdgeLabel(() => ({}));
  const nodes = workflow.nodes.filter((node) => node.type !== "note" && !node.parent_id);
  const ids = new Set(nodes.map((node) => node.id));
  for (const node of nodes) graph.setNode(node.id, {...sizeOf(node.id)});
  for (const edge of workflow.edges) if (ids.has(edge.source) && ids.has(edge.target)) graph.setEdge(edge.source, edge.target);
  layout(graph);
  const positions = {};
  for (const id of ids) {
    const {x, y, width, height} = graph.node(id);
    positions[id] = {x: Math.round((x - width / 2) / 10) * 10, y: Math.round((y - height / 2) / 10) * 10};
  }
  return positions;
}
