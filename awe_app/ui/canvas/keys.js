// The builder's keys. They rest while somebody writes or a dialog is open; run works everywhere.

import {useEffect} from "react";
import {copied, disable, duplicate, fit, openAdderHere, paste, redo, remove, run, tidy, undo} from "./actions.js";
import {get, select, set} from "./store.js";

const writing = (target) => target?.closest?.("input, textarea, select, [contenteditable=true], [role=textbox]");
const inDialog = () => document.querySelector("[role=dialog][data-state=open], [role=alertdialog][data-state=open]");

/** Walk the graph: along the wires to the sides, to the nearest node up and down. */
function walk(key) {
  const {selected, workflow, specs} = get();
  const here = specs.get(selected[0]);
  if (!here) {
    if (workflow.nodes.length) select([workflow.nodes[0].id]);
    return;
  }
  let next;
  if (key === "ArrowRight") next = workflow.edges.find((e) => e.source === here.id)?.target;
  if (key === "ArrowLeft") next = workflow.edges.find((e) => e.target === here.id)?.source;
  if (key === "ArrowUp" || key === "ArrowDown") {
    const sign = key === "ArrowDown" ? 1 : -1;
    const distance = (n) => Math.hypot((n.position.x - here.position.x) * 2, n.position.y - here.position.y);
    next = workflow.nodes.filter((n) => sign * (n.position.y - here.position.y) > 0)
      .sort((a, b) => distance(a) - distance(b))[0]?.id;
  }
  if (!next) return;
  select([next]);
  requestAnimationFrame(() => document.querySelector(`[data-testid="node-${next}"]`)?.focus({preventScroll: true}));
}

export function useKeys(chosenEdges) {
  useEffect(() => {
    const onKey = (event) => {
      const mod = event.metaKey || event.ctrlKey;
      const key = event.key.toLowerCase();
      const act = (action) => {
        event.preventDefault();
        action();
      };
      if (event.defaultPrevented || inDialog()) return;
      if (mod && key === "enter") return act(run);
      if (writing(event.target)) return;
      if (mod && key === "z") return act(event.shiftKey ? redo : undo);
      if (mod && key === "y") return act(redo);
      if (mod && key === "d") return act(duplicate);
      if (mod && key === "s") return event.preventDefault();
      if (mod && key === "a") return act(() => select(get().workflow.nodes.map((n) => n.id)));
      if (mod || event.altKey) return;
      if (key === "/") return act(openAdderHere);
      if (key === "backspace" || key === "delete") return act(() => remove(chosenEdges.current));
      if (key === "d") return act(disable);
      if (key === "f") return act(fit);
      if (key === "l" && event.shiftKey) return act(tidy);
      if (key === "escape") return act(() => select([]));
      if (key.startsWith("arrow") && !event.target.closest?.("[role=tablist], [role=menu], .awe-scroll")) {
        return act(() => walk(event.key));
      }
      if (key === "enter" && event.target === document.body && get().selected.length) set({panel: "inspector"});
    };
    const free = (event) => !event.defaultPrevented && !writing(event.target) && !writing(document.activeElement)
      && !inDialog() && !String(window.getSelection() ?? "");
    const onCopy = (event) => {
      const text = copied();
      if (!free(event) || !text) return;
      event.clipboardData.setData("text/plain", text);
      event.preventDefault();
      if (event.type === "cut") remove();
    };
    const onPaste = (event) => {
      if (writing(event.target) || inDialog()) return;
      const text = event.clipboardData.getData("text/plain");
      if (!text.trimStart().startsWith("{")) return;
      event.preventDefault();
      paste(text);
    };
    window.addEventListener("keydown", onKey);
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      window.removeEventListener("keydown", onKey);
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, [chosenEdges]);
}
