// The one store of the builder in the browser. Canvas, palette, inspector and toolbar read it and write through it.
//
// Wire protocol (awe_app/ui/canvas/envelopes.py declares the same):
//   down  document {session, seq, workflow, faces, …} + revision   the canvas resets only when revision changes
//         faces, issues, findings, choices, settled + recent, preview   levels: the newest value says everything
//         saved {seq, version}                                   every edit up to seq is stored
//   up    on_choose                                          a picker has opened: choices may come anew
//         on_edit {session, seq, edit, gesture} or {session, seq, command}   once for each finished gesture; seq rises by one
// Edits that the server has not acknowledged are kept and applied again on top of a new document.

import {useSyncExternalStore} from "react";
import {EMPTY, apply, upstream} from "./document.js";

export const TYPING_PAUSE_MS = 400;

const blank = {
  session: "", revision: -1, workflow: EMPTY, specs: new Map(), loaded: false,
  baseFaces: {}, laterFaces: {}, faces: {}, issues: {}, statuses: {}, preview: {},
  execution: {}, io: {}, findings: {}, choices: {}, tools: [], cards: new Map(), icons: {},
  history: {undo: 0, redo: 0}, saved: {seq: 0, version: 0}, seq: 0,
  selected: [], adder: null, hint: "", panel: "", inspectorTab: "configure",
};
let state = blank;
let pending = []; // {seq, edit?, command?, gesture?}, oldest first
let typing = null; // an edit that is still being typed: applied here, not sent yet
let timer = null;
let handlers = {};
const listeners = new Set();

export const get = () => state;
export function set(patch) {
  state = {...state, ...patch};
  for (const listener of listeners) listener();
}
const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
/** What `select` picks out of the store; it must give the same value for the same state. */
export const useStore = (select) => useSyncExternalStore(subscribe, () => select(state), () => select(blank));

export const setHandlers = (given) => { handlers = given; };
export const call = (name, ...args) => handlers[name]?.(...args);

function withWorkflow(workflow, more = {}) {
  if (workflow === state.workflow) return set(more);
  const specs = new Map(workflow.nodes.map((node) => [node.id, node]));
  return set({workflow, specs, ...more});
}

// ---- down ---------------------------------------------------------------------------------------------------------

export function open(document, revision) {
  if (revision === state.revision || !document?.workflow) return;
  const {session, seq, workflow, faces} = document;
  const again = session !== state.session;
  const sameWorkflow = state.workflowId === document.workflow_id;
  if (again) {
    const unsent = sameWorkflow && !document.discard ? [...pending, ...(typing ? [typing] : [])].filter((p) => p.edit) : [];
    pending = [];
    typing = null;
    clearTimeout(timer);
    const kept = sameWorkflow ? {} : {selected: [], statuses: {}, preview: {}, execution: {}, io: {}, adder: null};
    set({...kept, session, seq, saved: {seq, version: document.version}, workflowId: document.workflow_id});
    show(workflow, faces, revision);
    for (const {edit, gesture} of unsent) commit(edit, gesture);
  } else {
    pending = pending.filter((p) => p.seq > seq);
    show(workflow, faces, revision);
  }
  handlers.send?.({command: "received", revision});
}

function show(workflow, faces, revision) {
  const ahead = [...pending, ...(typing ? [typing] : [])];
  const shown = ahead.reduce((now, p) => (p.edit ? apply(now, p.edit) : now), workflow);
  const ids = new Set(shown.nodes.map((node) => node.id));
  const selected = state.selected.filter((id) => ids.has(id));
  withWorkflow(shown, {revision, loaded: true, selected, baseFaces: faces, laterFaces: {}, faces});
}

export function acknowledge(saved) {
  if (!saved || saved.session !== state.session) return;
  pending = pending.filter((p) => p.seq > saved.seq);
  set({saved});
}

export function setFaces(later) {
  if (later === state.laterFaces) return;
  set({laterFaces: later, faces: {...state.baseFaces, ...later}});
}

// ---- up -----------------------------------------------------------------------------------------------------------

function push(message) {
  pending.push(message);
  handlers.send?.({...message, session: state.session});
}

/** Send what is being typed now, if anything. */
export function flush() {
  clearTimeout(timer);
  if (!typing) return;
  const message = typing;
  typing = null;
  push(message);
}

/** A finished gesture: shown at once, then told to the server. */
export function commit(edit, gesture = "") {
  flush();
  const seq = state.seq + 1;
  withWorkflow(apply(state.workflow, edit), {seq});
  push({seq, edit, gesture});
}

/** An edit that is still going on, letter by letter: shown at once, told after a pause or when it ends. */
export function type(edit, gesture) {
  if (typing && typing.gesture !== gesture) flush();
  const seq = typing ? typing.seq : state.seq + 1;
  typing = {seq, edit, gesture};
  withWorkflow(apply(state.workflow, edit), {seq});
  clearTimeout(timer);
  timer = setTimeout(flush, TYPING_PAUSE_MS);
}

/** Something only the server can do (undo, redo); it answers with a new document. */
export function command(name) {
  flush();
  const seq = state.seq + 1;
  set({seq});
  push({seq, command: name});
}

export const isSaved = (s) => s.loaded && s.seq === s.saved.seq;

export function select(ids) {
  const same = ids.length === state.selected.length && ids.every((id, i) => id === state.selected[i]);
  if (same) return;
  const before = state.selected.length === 1 ? state.selected[0] : "";
  const after = ids.length === 1 ? ids[0] : "";
  if (before !== after) flush();
  // a panel that was closed for one node opens again for the next
  set({selected: ids, panel: after && before !== after && state.panel === "none" ? "" : state.panel});
  if (before !== after) handlers.select?.(after);
}

let hintTimer = null;
/** One line shown over the canvas for a moment, and read out. */
export function hint(text) {
  clearTimeout(hintTimer);
  set({hint: text});
  if (text) hintTimer = setTimeout(() => set({hint: ""}), 4000);
}

// ---- reading ------------------------------------------------------------------------------------------------------

export const cardOf = (s, id) => s.cards.get(s.specs.get(id)?.type);
const NONE = [];
const withError = new WeakMap(); // the same list for the same ports, so that cards are not drawn again
export function outputsOf(s, id) {
  const ports = s.faces[id]?.outputs ?? cardOf(s, id)?.outputs ?? NONE;
  if (s.specs.get(id)?.on_error !== "branch") return ports;
  if (!withError.has(ports)) withError.set(ports, [...ports, {name: "error", title: "error"}]);
  return withError.get(ports);
}
export const inputsOf = (s, id) => cardOf(s, id)?.inputs ?? NONE;
export const titleOf = (s, id) => s.specs.get(id)?.name || id;

/** The page is left: nothing of this workflow may be seen, or edited, on the next. */
export function close() {
  flush();
  pending = [];
  set({...blank, cards: state.cards, tools: state.tools, icons: state.icons});
}

const live = (s) => ["pending", "running", "waiting"].includes(s.execution.status);

export function statusOf(s, id) {
  const known = s.statuses[id];
  if (known) return known[0];
  return live(s) && cardOf(s, id)?.type !== "note" ? "pending" : "idle";
}

/** idle, active (a value goes through now), taken or skipped. */
export function edgeStateOf(s, id, source, handle, target) {
  const from = s.statuses[source];
  if (!from) return "idle";
  const [status, , , ports] = from;
  if (status === "skipped") return ports?.length ? "taken" : "skipped";
  if (status === "failed" && !ports?.length) return "idle";
  if (status !== "completed" && status !== "failed") return "idle";
  const outputs = outputsOf(s, source);
  const by = handle ?? outputs[0]?.name;
  if (ports && !ports.includes(by)) return "skipped";
  return s.statuses[target]?.[0] === "running" ? "active" : "taken";
}

export function upstreamOf(s, id) {
  return upstream(s.workflow, id);
}

/** What is typed but not sent must not be lost with the page. */
if (typeof window !== "undefined") {
  window.addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());
}
