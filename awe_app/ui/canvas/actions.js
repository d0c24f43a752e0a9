// What people do to a workflow, wherever they do it from: palette, canvas, keyboard, toolbar.

import {configKey, fragment, freePlace, freshId, newEdge, pasteEdit, refusal} from "./document.js";
import {call, command, commit, flush, get, hint, inputsOf, outputsOf, select, set} from "./store.js";
import {tidyPositions} from "./layout.js";

const WIDTH = 216;
let flow = null; // React Flow's instance, while the canvas is there
export const setFlow = (instance) => { flow = instance; };

const clone = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

function blankNode(type, position) {
  const {workflow, cards} = get();
  const card = cards.get(type);
  const id = freshId(new Set(workflow.nodes.map((n) => n.id)), type);
  const number = id.match(/_(\d+)$/)?.[1];
  const config = {};
  for (const field of card.fields) if (field.initial !== undefined) config[field.name] = clone(field.initial);
  const node = {
    id, type, name: number ? `${card.title} ${number}` : card.title, position, parent_id: null, inputs: [],
    retry: null, timeout_s: null, on_error: "fail", default_output: null, disabled: false,
  };
  node[configKey(node)] = config;
  return node;
}

/** The middle of what is seen, in the canvas's measure. */
function middle() {
  const box = document.querySelector("[data-testid=canvas]")?.getBoundingClientRect();
  if (!flow || !box) return {x: 0, y: 0};
  const point = flow.screenToFlowPosition({x: box.left + box.width / 2, y: box.top + box.height / 2});
  return {x: point.x - WIDTH / 2, y: point.y - 30};
}

function show(id) {
  requestAnimationFrame(() => {
    const box = document.querySelector("[data-testid=canvas]")?.getBoundingClientRect();
    const node = get().specs.get(id);
    if (!flow || !box || !node) return;
    const a = flow.flowToScreenPosition(node.position);
    const b = flow.flowToScreenPosition({x: node.position.x + WIDTH, y: node.position.y + 90});
    if (a.x < box.left || a.y < box.top || b.x > box.right || b.y > box.bottom) fit();
  });
}

/** Choose a node and bring it to the middle. */
export function reveal(id) {
  const node = get().specs.get(id);
  if (!node) return;
  select([id]);
  flow?.setCenter(node.position.x + WIDTH / 2, node.position.y + 40, {zoom: Math.max(0.7, flow.getZoom())});
}

/** Add a node at a place, or in the middle of what is seen; `join` is {node, handle, kind} to draw a wire from or to. */
export function addNode(type, {position, join} = {}) {
  const {workflow, cards} = get();
  const card = cards.get(type);
  if (!card) return;
  let place = position;
  if (!place && join) {
    const at = get().specs.get(join.node).position;
    place = freePlace(workflow, at.x + (join.kind === "target" ? -260 : 260), at.y);
  }
  if (!place) {
    const at = middle();
    place = freePlace(workflow, at.x, at.y);
  }
  const node = blankNode(type, {x: Math.round(place.x), y: Math.round(place.y)});
  if (join) node.parent_id = get().specs.get(join.node)?.parent_id ?? null;
  const edge = join && joining(workflow, join, node, card);
  commit({op: "add_node", node, edges: edge ? [edge] : []});
  select([node.id]);
  show(node.id);
}

function joining(workflow, join, node, card) {
  if (join.kind === "target") {
    const port = card.outputs[0]?.name;
    return port && newEdge(workflow, node.id, port, join.node, join.handle ?? inputsOf(get(), join.node)[0]?.name);
  }
  const port = card.inputs[0]?.name;
  const handle = join.handle ?? outputsOf(get(), join.node)[0]?.name;
  return port && handle ? newEdge(workflow, join.node, handle, node.id, port) : null;
}

/** Draw a wire; says why when it may not be. */
export function connect(connection) {
  const {workflow} = get();
  const source = connection.source;
  const target = connection.target;
  const full = {
    source, target,
    sourceHandle: connection.sourceHandle ?? outputsOf(get(), source)[0]?.name,
    targetHandle: connection.targetHandle ?? inputsOf(get(), target)[0]?.name,
  };
  const reason = !full.sourceHandle || !full.targetHandle ? "This node has no port on that side." : refusal(workflow, full);
  if (reason) return hint(reason);
  return commit({op: "connect", edge: newEdge(workflow, source, full.sourceHandle, target, full.targetHandle)});
}

/** Put a new node between the two ends of a wire. */
export function splice(type, edgeId, position) {
  const {workflow, cards} = get();
  const card = cards.get(type);
  const edge = workflow.edges.find((e) => e.id === edgeId);
  if (!edge || !card?.inputs.length || !card.outputs.length) return addNode(type, {position});
  const node = {...blankNode(type, position), parent_id: get().specs.get(edge.source)?.parent_id ?? null};
  const before = newEdge(workflow, edge.source, edge.source_handle, node.id, card.inputs[0].name);
  const after = newEdge(workflow, node.id, card.outputs[0].name, edge.target, edge.target_handle, [before.id]);
  const gesture = `splice-${node.id}`;
  commit({op: "delete", nodes: [], edges: [edge.id]}, gesture);
  commit({op: "add_node", node, edges: [before, after]}, gesture);
  return select([node.id]);
}

export function remove(edges = []) {
  const {selected, workflow} = get();
  const known = new Set(workflow.edges.map((e) => e.id));
  const cut = edges.filter((id) => known.has(id));
  if (!selected.length && !cut.length) return;
  commit({op: "delete", nodes: selected, edges: cut});
  select([]);
}

export function disable() {
  const {selected, specs} = get();
  if (!selected.length) return;
  commit({op: "disable", nodes: selected, disabled: !selected.every((id) => specs.get(id).disabled)});
}

export const copied = () => (get().selected.length ? JSON.stringify(fragment(get().workflow, get().selected), null, 2) : "");

export function paste(text, offset = 40) {
  let piece;
  try {
    piece = JSON.parse(text);
  } catch {
    return hint("The clipboard holds no nodes.");
  }
  const {workflow, cards} = get();
  const edit = pasteEdit(workflow, piece, cards, offset, offset);
  if (!edit) return hint("The clipboard holds no nodes that AWE knows.");
  commit(edit);
  return select(edit.nodes.map((n) => n.id));
}

export const duplicate = () => get().selected.length && paste(copied());

export async function tidy() {
  const {workflow} = get();
  if (!workflow.nodes.length) return;
  const size = (id) => {
    const box = flow?.getNode(id)?.measured;
    return {width: box?.width ?? WIDTH, height: box?.height ?? 64};
  };
  const positions = await tidyPositions(workflow, size);
  const moved = Object.entries(positions).filter(([id, p]) => {
    const at = get().specs.get(id)?.position;
    return at && (at.x !== p.x || at.y !== p.y);
  });
  if (moved.length) commit({op: "tidy", positions: Object.fromEntries(moved)});
  requestAnimationFrame(fit);
}

export function fit() {
  flow?.fitView({padding: 0.12, maxZoom: 1});
}

export const undo = () => command("undo");
export const redo = () => command("redo");
export function run() {
  flush();
  call("run");
}
export function stop() {
  call("stop");
}

/** Open the list of node types at a place on the screen. `join` as in `addNode`. */
export function openAdder({screen, position, join}) {
  set({adder: {screen, position, join}});
}

/** The adder for the keyboard: beside the chosen node if there is one, else in the middle. */
export function openAdderHere() {
  const {selected, specs} = get();
  const box = document.querySelector("[data-testid=canvas]").getBoundingClientRect();
  const from = selected.length === 1 && outputsOf(get(), selected[0]).length ? selected[0] : null;
  const join = from ? {node: from, kind: "source"} : undefined;
  let screen = {x: box.left + box.width / 2 - 150, y: box.top + box.height / 4};
  if (from && flow) {
    const at = specs.get(from).position;
    const beside = flow.flowToScreenPosition({x: at.x + WIDTH + 16, y: at.y});
    screen = {x: beside.x, y: beside.y};
  }
  openAdder({screen, join});
}

