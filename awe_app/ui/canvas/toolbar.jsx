// The bar above the canvas: name, whether everything is saved, undo, redo, tidy, run and stop.

import {useEffect, useState} from "react";
import {Icon} from "./icons.jsx";
import {redo, reveal, run, stop, tidy, undo} from "./actions.js";
import {flush, isSaved, set, type, useStore} from "./store.js";

const MAC = typeof navigator !== "undefined" && /mac/i.test(navigator.platform ?? "");
const MOD = MAC ? "⌘" : "Ctrl+";

function Tool({icon, label, keys, onClick, testid, disabled, pressed, className = ""}) {
  return (
    <button type="button" className={`awe-tool ${className}`} aria-label={label} title={keys ? `${label} (${keys})` : label}
      onClick={onClick} data-testid={testid} disabled={disabled} aria-pressed={pressed}>
      <Icon name={icon} size={16} />
    </button>
  );
}

function Name() {
  const name = useStore((s) => s.workflow.name);
  const loaded = useStore((s) => s.loaded);
  const [draft, setDraft] = useState(name);
  useEffect(() => setDraft(name), [name]);
  const write = (value) => {
    setDraft(value);
    if (value.trim()) type({op: "set_workflow", name: value.trim()}, "name");
  };
  const leave = () => {
    flush();
    setDraft(name);
  };
  return (
    <input className="awe-name" value={loaded ? draft : ""} maxLength={200} aria-label="Name of the workflow" data-testid="workflow-name"
      onChange={(e) => write(e.target.value)} onBlur={leave} onKeyDown={(e) => e.key === "Enter" && e.currentTarget.blur()}
      spellCheck={false} disabled={!loaded} size={Math.max(8, Math.min(40, draft.length + 1))} />
  );
}

function SaveState() {
  const saved = useStore(isSaved);
  const version = useStore((s) => s.saved.version);
  const problem = useStore((s) => s.saved.problem);
  const loaded = useStore((s) => s.loaded);
  const words = !loaded ? "Opening…" : saved ? "Saved" : problem ? "Not saved" : "Saving…";
  return (
    <span className="awe-saved" role="status" data-testid="save-state" data-saved={saved ? "true" : "false"}
      data-problem={(!saved && !!problem) || undefined} title={problem || (version ? `Version ${version}` : undefined)}>
      <Icon name={saved ? "check" : problem ? "triangle-alert" : "loader-circle"} size={13} />
      <span>{words}</span>{version ? <span className="awe-version">v{version}</span> : null}
    </span>
  );
}

export function BuilderToolbar() {
  const back = useStore((s) => s.history.undo);
  const forth = useStore((s) => s.history.redo);
  const status = useStore((s) => s.execution.status);
  const loaded = useStore((s) => s.loaded);
  const panel = useStore((s) => s.panel);
  const issues = useStore((s) => s.issues);
  const empty = useStore((s) => !s.workflow.nodes.length);
  const unfinished = empty ? [] : Object.keys(issues);
  const going = ["pending", "running", "waiting"].includes(status);
  const toggle = (name) => set({panel: panel === name ? "" : name});
  return (
    <div className="awe-toolbar" role="toolbar" aria-label="Workflow">
      <Name />
      <SaveState />
      <span className="awe-gap" />
      {unfinished.length ? (
        <button type="button" className="awe-check" onClick={() => reveal(unfinished.find(Boolean))} data-testid="check"
          title={issues[""] ?? "Show the first node that is unfinished"} aria-label={`${unfinished.length} unfinished`}>
          <Icon name="triangle-alert" size={13} />{unfinished.length}
        </button>
      ) : null}
      <Tool icon="plus" label="Add a node" onClick={() => toggle("palette")} testid="open-palette" pressed={panel === "palette"} className="awe-narrow" />
      <Tool icon="panel-right" label="Settings of the chosen node" onClick={() => toggle("inspector")} testid="open-inspector" pressed={panel === "inspector"} className="awe-narrow" />
      <Tool icon="undo" label="Undo" keys={`${MOD}Z`} onClick={undo} testid="undo" disabled={!back} />
      <Tool icon="redo" label="Redo" keys={MAC ? "⇧⌘Z" : "Ctrl+Shift+Z"} onClick={redo} testid="redo" disabled={!forth} />
      <Tool icon="tidy" label="Tidy" keys={MAC ? "⇧L" : "Shift+L"} onClick={tidy} testid="tidy" disabled={!loaded} />
      <a className="awe-tool" href={`${location.pathname.replace(/\/+$/, "")}/chat`} aria-label="Chat" title="Talk to this workflow" data-testid="open-chat"><Icon name="message-circle" size={16} /></a>
      {going ? (
        <button type="button" className="awe-button awe-stop" onClick={stop} data-testid="stop"><Icon name="square" size={13} />Stop</button>
      ) : (
        <button type="button" className="awe-button awe-primary" onClick={run} data-testid="run" disabled={!loaded} title={`Run (${MOD}⏎)`}>
          <Icon name="play" size={13} />Run<kbd>{MOD}⏎</kbd>
        </button>
      )}
    </div>
  );
}
