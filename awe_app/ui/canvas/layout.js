// Tidy: nodes in layers from left to right. Dagre does it, loaded when it is first needed; where wires jump over so
// many layers that Dagre would take seconds, a plain stacking of the same layers does.

const GAP = {x: 44, y: 32};
const JUMPS = 1500; // layers jumped over by all wires together, each a node for Dagre

/** New positions by node id for everything that is not a note and stands in no container. */
export async function tidyPositions(workflow, sizeOf) {
  const nodes = workflow.nodes.filter((node) => node.type !== "note" && !node.parent_id);
  const ids = new Set(nodes.map((node) => node.id));
  const edges = workflow.edges.filter((edge) => ids.has(edge.source) && ids.has(edge.target));
  const sizes = new Map([...ids].map((id) => [id, sizeOf(id)]));
  const layer = layering(ids, edges);
  const jumps = edges.reduce((sum, edge) => sum + layer.get(edge.target) - layer.get(edge.source) - 1, 0);
  const placed = jumps > JUMPS ? stacked(ids, edges, layer, sizes) : await byDagre(edges, sizes);
  const round = (value) => Math.round(value / 10) * 10;
  return Object.fromEntries([...placed].map(([id, {x, y}]) => [id, {x: round(x), y: round(y)}]));
}

/** The layer of each node: one more than the last before it. */
function layering(ids, edges) {
  const waiting = new Map([...ids].map((id) => [id, 0]));
  const after = new Map([...ids].map((id) => [id, []]));
  for (const {source, target} of edges) {
    waiting.set(target, waiting.get(target) + 1);
    after.get(source).push(target);
  }
  const layer = new Map([...ids].map((id) => [id, 0]));
  const ready = [...ids].filter((id) => !waiting.get(id));
  for (const id of ready) {
    for (const next of after.get(id)) {
      layer.set(next, Math.max(layer.get(next), layer.get(id) + 1));
      waiting.set(next, waiting.get(next) - 1);
      if (!waiting.get(next)) ready.push(next);
    }
  }
  return layer;
}

async function byDagre(edges, sizes) {
  const dagre = await import("@dagrejs/dagre");
  const {graphlib, layout} = dagre.default ?? dagre;
  const graph = new graphlib.Graph();
  graph.setGraph({rankdir: "LR", nodesep: GAP.y, ranksep: GAP.x});
  graph.setDefaultEdgeLabel(() => ({}));
  for (const [id, size] of sizes) graph.setNode(id, {...size});
  for (const edge of edges) graph.setEdge(edge.source, edge.target);
  layout(graph);
  return [...sizes.keys()].map((id) => {
    const {x, y, width, height} = graph.node(id);
    return [id, {x: x - width / 2, y: y - height / 2}];
  });
}

/** Layers side by side, each in the order of the middle of what comes before. */
function stacked(ids, edges, layer, sizes) {
  const before = new Map([...ids].map((id) => [id, []]));
  for (const {source, target} of edges) before.get(target).push(source);
  const columns = [];
  for (const id of ids) (columns[layer.get(id)] ??= []).push(id);
  const placed = new Map();
  let x = 0;
  for (const column of columns) {
    const wish = new Map(column.map((id) => {
      const from = before.get(id).map((other) => placed.get(other).y);
      return [id, from.length ? from.reduce((a, b) => a + b, 0) / from.length : 0];
    }));
    let y = -Infinity;
    for (const id of column.sort((a, b) => wish.get(a) - wish.get(b))) {
      y = Math.max(y, wish.get(id));
      placed.set(id, {x, y});
      y += sizes.get(id).height + GAP.y;
    }
    x += Math.max(...column.map((id) => sizes.get(id).width)) + GAP.x;
  }
  return placed;
}
