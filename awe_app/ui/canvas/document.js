// The workflow file in the browser: pure functions, no React.
// `apply` mirrors awe_app/domain/edits.py for the edits that the browser makes; undo and redo are the server's, which
// answers with a new document.

export const EMPTY = {schema_version: 1, name: "", description: "", variables: {}, nodes: [], edges: []};

export const configKey = (node) => `${node.type}_config`;
export const configOf = (node) => node[configKey(node)] ?? {};

const changed = (workflow, ids, change) => ({
  ...workflow,
  nodes: workflow.nodes.map((node) => (ids.has(node.id) ? change(node) : node)),
});

export function apply(workflow, edit) {
  switch (edit.op) {
    case "move":
    case "tidy":
      return changed(workflow, new Set(Object.keys(edit.positions)), (n) => ({...n, position: edit.positions[n.id]}));
    case "connect":
      return {...workflow, edges: [...workflow.edges, edit.edge]};
    case "add_node":
      return {...workflow, nodes: [...workflow.nodes, edit.node], edges: [...workflow.edges, ...(edit.edges ?? [])]};
    case "paste":
      return {
        ...workflow, nodes: [...workflow.nodes, ...edit.nodes], edges: [...workflow.edges, ...(edit.edges ?? [])],
      };
    case "delete": {
      const gone = new Set(edit.nodes ?? []);
      for (let size = -1; size !== gone.size;) {
        size = gone.size;
        for (const node of workflow.nodes) if (gone.has(node.parent_id)) gone.add(node.id);
      }
      const cut = new Set(edit.edges ?? []);
      return {
        ...workflow,
        nodes: workflow.nodes.filter((n) => !gone.has(n.id)),
        edges: workflow.edges.filter((e) => !cut.has(e.id) && !gone.has(e.source) && !gone.has(e.target)),
      };
    }
    case "configure":
      return changed(workflow, new Set([edit.node]), (node) => {
        const config = {...configOf(node), ...edit.settings};
        for (const key of edit.unset ?? []) delete config[key];
        return {...node, [configKey(node)]: config};
      });
    case "set_field":
      return changed(workflow, new Set([edit.node]), (n) => ({...n, [edit.field]: edit.value}));
    case "disable":
      return changed(workflow, new Set(edit.nodes), (n) => ({...n, disabled: edit.disabled}));
    case "set_workflow": {
      const {op, ...values} = edit;
      return {...workflow, ...values};
    }
    case "rename": {
      const ids = new Map([[edit.node, edit.to]]);
      const at = (id) => ids.get(id) ?? id;
      const renamed = (n) => ({
        ...n, id: at(n.id), parent_id: at(n.parent_id), inputs: rewritten(n.inputs, ids), [configKey(n)]: rewritten(configOf(n), ids),
      });
      const edges = workflow.edges.map((e) => ({...e, source: at(e.source), target: at(e.target)}));
      return {...workflow, nodes: workflow.nodes.map(renamed), edges};
    }
    default:
      throw new Error(`unknown edit ${edit.op}`);
  }
}

/** The first of `base`, `base_2`, `base_3` … that is not taken. */
export function freshId(taken, base) {
  const stem = base.replace(/_\d+$/, "").slice(0, 58);
  for (let n = 1; ; n += 1) {
    const id = n === 1 ? stem : `${stem}_${n}`;
    if (!taken.has(id)) return id;
  }
}

export function freshEdgeId(taken) {
  for (let n = taken.size + 1; ; n += 1) if (!taken.has(`e${n}`)) return `e${n}`;
}

export function newEdge(workflow, source, sourceHandle, target, targetHandle, alsoTaken = []) {
  const taken = new Set([...workflow.edges.map((e) => e.id), ...alsoTaken]);
  return {
    id: freshEdgeId(taken), source, target,
    source_handle: sourceHandle ?? null, target_handle: targetHandle ?? null,
  };
}

/** Ids of the nodes before `id`, directly or through others, nearest first. */
export function upstream(workflow, id) {
  const before = new Map();
  for (const e of workflow.edges) before.set(e.target, [...(before.get(e.target) ?? []), e.source]);
  const found = [];
  const seen = new Set([id]);
  const queue = [...(before.get(id) ?? [])];
  while (queue.length) {
    const next = queue.shift();
    if (seen.has(next)) continue;
    seen.add(next);
    found.push(next);
    queue.push(...(before.get(next) ?? []));
  }
  return found;
}

/** Why a wire may not be drawn, in words; null when it may. */
export function refusal(workflow, {source, sourceHandle, target, targetHandle}) {
  if (!source || !target) return null;
  if (source === target) return "A node cannot feed itself. Use a loop to repeat.";
  const same = (e) => e.source === source && e.target === target
    && (e.source_handle ?? "out") === (sourceHandle ?? "out") && (e.target_handle ?? "in") === (targetHandle ?? "in");
  if (workflow.edges.some(same)) return "These two are connected already.";
  const parent = (id) => workflow.nodes.find((n) => n.id === id)?.parent_id ?? null;
  if (parent(source) !== parent(target)) return "A wire cannot cross the border of a loop.";
  if (upstream(workflow, source).includes(target)) return "This would make a circle. Use a loop to repeat.";
  return null;
}

const MENTION = /'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|((?<![\w."])(?:nodes|loops)\s*\.\s*)("?)([a-z][a-z0-9_]*)\2(?![\w"])/g;
const EXPRESSION = /(?<!\\)\{\{(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|[^])*?\}\}/g;

/** The value with the node ids inside its expressions exchanged as `ids` (old → new) says. */
export function rewritten(value, ids) {
  if (typeof value === "string") {
    const mention = (all, root, quote, id) => (root && ids.has(id) ? `${root}${quote}${ids.get(id)}${quote}` : all);
    return value.replace(EXPRESSION, (expression) => expression.replace(MENTION, mention));
  }
  if (Array.isArray(value)) return value.map((item) => rewritten(item, ids));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewritten(item, ids)]));
  }
  return value;
}

/** The chosen nodes and the wires between them as a workflow file, for the clipboard. */
export function fragment(workflow, ids) {
  const chosen = new Set(ids);
  return {
    schema_version: 1, name: "Clipboard",
    nodes: workflow.nodes.filter((n) => chosen.has(n.id)),
    edges: workflow.edges.filter((e) => chosen.has(e.source) && chosen.has(e.target)),
  };
}

/** A fragment as an edit: fresh ids, mentions of each other rewritten, moved by `dx`, `dy`. Null when it is none. */
export function pasteEdit(workflow, piece, types, dx, dy) {
  const nodes = Array.isArray(piece?.nodes) ? piece.nodes.filter((n) => n && types.has(n.type)) : [];
  if (!nodes.length) return null;
  const taken = new Set(workflow.nodes.map((n) => n.id));
  const ids = new Map();
  for (const node of nodes) {
    const id = freshId(taken, String(node.id));
    taken.add(id);
    ids.set(node.id, id);
  }
  const position = (n) => ({x: (n.position?.x ?? 0) + dx, y: (n.position?.y ?? 0) + dy});
  const parent = (n) => ids.get(n.parent_id) ?? (taken.has(n.parent_id) ? n.parent_id : null);
  const copies = nodes.map((n) => ({...rewritten(n, ids), id: ids.get(n.id), position: position(n), parent_id: parent(n)}));
  const edges = [];
  for (const e of Array.isArray(piece.edges) ? piece.edges : []) {
    if (!ids.has(e?.source) || !ids.has(e?.target)) continue;
    const [source, target] = [ids.get(e.source), ids.get(e.target)];
    edges.push(newEdge(workflow, source, e.source_handle, target, e.target_handle, edges.map((made) => made.id)));
  }
  return {op: "paste", nodes: copies, edges};
}

/** A place for a new node near (x, y) where it covers no other. */
export function freePlace(workflow, x, y, width = 216, height = 96) {
  const covers = (n) => Math.abs(n.position.x - x) < width && Math.abs(n.position.y - y) < height;
  while (workflow.nodes.some(covers)) y += height + 24;
  return {x: Math.round(x / 10) * 10, y: Math.round(y / 10) * 10};
}
