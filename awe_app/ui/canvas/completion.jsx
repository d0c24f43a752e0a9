// What may stand inside {{ }}: a list below the field while the caret is inside an expression.

import {useMemo, useState} from "react";
import {configOf} from "./document.js";
import {get, titleOf, upstreamOf, useStore} from "./store.js";

/** Every name the node may use, with a word about it. */
function names(node) {
  const s = get();
  const spec = s.specs.get(node);
  if (!spec) return [];
  const own = (spec.inputs ?? []).map((i) => ({text: i.name, about: "input of this node"}));
  const given = s.workflow.nodes.filter((n) => n.type === "input").flatMap((n) => configOf(n).fields ?? [])
    .filter((f) => f?.name).map((f) => ({text: `inputs.${f.name}`, about: f.label || "run input"}));
  const before = upstreamOf(s, node).map((id) => ({text: `nodes.${id}.output`, about: titleOf(s, id)}));
  const variables = Object.keys(s.workflow.variables ?? {}).map((name) => ({text: `variables.${name}`, about: "variable"}));
  const looped = spec.parent_id ? [{text: "item", about: "of the loop"}, {text: "index", about: "from 0"}] : [];
  return [...own, ...before, ...given, ...looped, ...variables, {text: "execution.id", about: "this run"}];
}

/** The unfinished word before the caret when the caret stands inside `{{ … }}`; null otherwise. */
export function wordAt(text, caret) {
  const before = text.slice(0, caret);
  const start = before.lastIndexOf("{{");
  if (start < 0 || before[start - 1] === "\\" || before.slice(start).includes("}}")) return null;
  return before.slice(start + 2).match(/[\w.]*$/)[0];
}

export function useCompletion(control, text, write, node) {
  const [word, setWord] = useState(null);
  const [at, setAt] = useState(0);
  const workflow = useStore((s) => (word === null ? null : s.workflow));
  const found = useMemo(() => {
    if (word === null || !workflow) return [];
    const asked = word.toLowerCase();
    return names(node).filter((n) => n.text.toLowerCase().includes(asked) && n.text !== word).slice(0, 8);
  }, [word, workflow, node]);
  const look = () => {
    const box = control.current;
    const next = box && box.selectionStart === box.selectionEnd ? wordAt(box.value, box.selectionStart) : null;
    setWord(next);
    setAt(0);
  };
  const insert = (name) => {
    const box = control.current;
    const caret = box.selectionStart;
    const from = caret - word.length;
    const lead = box.value.slice(0, from).endsWith("{{") ? " " : "";
    const closed = /^[^{]*?\}\}/.test(box.value.slice(caret));
    const added = `${lead}${name}${closed ? "" : " }}"}`;
    write(box.value.slice(0, from) + added + box.value.slice(caret));
    setWord(null);
    requestAnimationFrame(() => {
      box.focus();
      box.setSelectionRange(from + added.length, from + added.length);
    });
  };
  const onKeyDown = (event) => {
    if (!found.length) return;
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step) setAt((now) => (now + step + found.length) % found.length);
    else if (event.key === "Enter" || event.key === "Tab") insert(found[at].text);
    else if (event.key === "Escape") setWord(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onKeyUp = (event) => {
    if (!["ArrowDown", "ArrowUp", "Enter", "Tab", "Escape"].includes(event.key)) look();
  };
  return {found, at, insert, handlers: {onKeyDown, onKeyUp, onClick: look, onBlur: () => setTimeout(() => setWord(null), 150)}};
}

export function Completion({found, at, insert}) {
  if (!found.length) return null;
  return (
    <ul className="awe-completion" role="listbox" aria-label="Values to insert" data-testid="completion">
      {found.map((name, i) => (
        <li key={name.text} role="option" aria-selected={i === at} onMouseDown={(e) => e.preventDefault()} onClick={() => insert(name.text)}>
          <code>{name.text}</code><span>{name.about}</span>
        </li>
      ))}
    </ul>
  );
}
