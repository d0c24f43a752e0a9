// What stands on the canvas: one generic card for every node type, drawn from its declaration, and the note.

import {memo, useEffect, useRef} from "react";
import {Handle, Position, useUpdateNodeInternals} from "@xyflow/react";
import {Icon, categoryColor} from "./icons.jsx";
import {configOf} from "./document.js";
import {cardOf, get, inputsOf, outputsOf, set, statusOf, useStore} from "./store.js";

export const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : ms < 60000 ? `${(ms / 1000).toFixed(1)} s`
  : `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`);

const STATUS_ICONS = {
  running: "loader-circle", waiting: "circle-pause", completed: "circle-check", failed: "circle-x",
  cancelled: "circle-slash", skipped: "circle-minus", pending: "circle-dashed",
};

function Ports({id, ports, kind}) {
  const several = ports.length > 1;
  return ports.map((port, i) => (
    <div key={port.name} className={`awe-port awe-port-${kind}`} style={several ? {top: 44 + i * 24} : {top: 28}}>
      {several || port.title ? <span className="awe-port-label">{port.title || port.name}</span> : null}
      <Handle id={port.name} type={kind} position={kind === "source" ? Position.Right : Position.Left}
        data-testid={`handle-${id}-${port.name}`} aria-label={`${kind === "source" ? "Output" : "Input"} ${port.name}`} />
    </div>
  ));
}

function Preview({id}) {
  const text = useStore((s) => s.preview[id]);
  const box = useRef(null);
  useEffect(() => { if (box.current) box.current.scrollTop = box.current.scrollHeight; }, [text]);
  return text ? <div ref={box} className="awe-preview nowheel" data-testid={`preview-${id}`}>{text}</div> : null;
}

function Run({id, status}) {
  const known = useStore((s) => s.statuses[id]);
  const [, ms, tokens] = known ?? [];
  const figures = [ms != null ? duration(ms) : "", tokens ? `${tokens} tok` : ""].filter(Boolean).join(" · ");
  return (
    <span className="awe-run">
      {figures ? <span className="awe-figures">{figures}</span> : null}
      {STATUS_ICONS[status] ? <Icon name={STATUS_ICONS[status]} size={14} className="awe-status-icon" /> : null}
    </span>
  );
}

function openInspector(event) {
  if (event.key === "Enter") {
    event.preventDefault();
    event.stopPropagation();
    set({panel: "inspector"});
    requestAnimationFrame(() => document.querySelector("[data-testid=inspector] :is(input, textarea, select)")?.focus());
  }
}

export const WorkflowNode = memo(function WorkflowNode({id, selected}) {
  const spec = useStore((s) => s.specs.get(id));
  const card = useStore((s) => cardOf(s, id));
  const status = useStore((s) => statusOf(s, id));
  const issue = useStore((s) => s.issues[id]);
  const summary = useStore((s) => s.faces[id]?.summary);
  const outputs = useStore((s) => outputsOf(s, id));
  const inputs = useStore((s) => inputsOf(s, id));
  const measure = useUpdateNodeInternals();
  const ports = useRef(outputs);
  useEffect(() => {
    if (ports.current !== outputs) measure(id); // wires must follow ports that moved
    ports.current = outputs;
  }, [id, measure, outputs]);
  if (!spec) return null;
  const title = spec.name || spec.id;
  const kind = card?.title ?? spec.type;
  const line = summary || (title === kind ? "" : kind);
  const rows = Math.max(inputs.length, outputs.length);
  return (
    <div className="awe-node" data-testid={`node-${id}`} data-status={status} data-selected={selected || undefined}
      data-disabled={spec.disabled || undefined} style={{"--awe-hue": `var(--${categoryColor(card?.category)}-9)`,
        "--awe-tint": `var(--${categoryColor(card?.category)}-3)`, "--awe-ink": `var(--${categoryColor(card?.category)}-11)`,
        minHeight: rows > 1 ? 40 + rows * 24 : undefined}}
      role="group" tabIndex={0} onKeyDown={openInspector}
      aria-label={`${kind} ${title}, ${spec.disabled ? "disabled, " : ""}${status}${issue ? `, ${issue}` : ""}`}>
      <Ports id={id} ports={inputs} kind="target" />
      <div className="awe-head">
        <span className="awe-icon"><Icon name={card?.icon} size={16} /></span>
        <span className="awe-titles">
          <span className="awe-title" title={title}>{title}</span>
          {line ? <span className="awe-summary" title={line}>{line}</span> : null}
        </span>
        <Run id={id} status={status} />
      </div>
      {issue ? (
        <div className="awe-issue" data-testid={`issue-${id}`} title={issue}>
          <Icon name="triangle-alert" size={12} /><span>{issue}</span>
        </div>
      ) : null}
      <Ports id={id} ports={outputs} kind="source" />
      <Preview id={id} />
    </div>
  );
});

const NOTE_HUES = {yellow: "amber", blue: "blue", green: "green", pink: "pink", gray: "gray"};

export const NoteNode = memo(function NoteNode({id, selected}) {
  const spec = useStore((s) => s.specs.get(id));
  if (!spec) return null;
  const {text, color} = configOf(spec);
  const hue = NOTE_HUES[color] ?? "amber";
  return (
    <div className="awe-note" data-testid={`node-${id}`} data-status="idle" data-selected={selected || undefined}
      style={{"--awe-tint": `var(--${hue}-3)`, "--awe-edge": `var(--${hue}-6)`, "--awe-ink": `var(--${hue}-12)`}}
      role="note" tabIndex={0} onKeyDown={openInspector} aria-label={`Note ${spec.name || spec.id}`}>
      {text ? <Markdown text={String(text)} /> : <span className="awe-faint">Write something in the panel on the right.</span>}
    </div>
  );
});

/** The little of Markdown that notes need: headings, lists, bold, italics, code. Text only, never HTML. */
function Markdown({text}) {
  const inline = (line) => line.split(/(\*\*[^*]+\*\*|`[^`]+`|\*[^*]+\*|_[^_]+_)/).map((part, i) => {
    if (/^\*\*.+\*\*$/.test(part)) return <strong key={i}>{part.slice(2, -2)}</strong>;
    if (/^`.+`$/.test(part)) return <code key={i}>{part.slice(1, -1)}</code>;
    if (/^(\*.+\*|_.+_)$/.test(part)) return <em key={i}>{part.slice(1, -1)}</em>;
    return part;
  });
  return text.split("\n").map((line, i) => {
    const heading = line.match(/^(#{1,3})\s+(.*)/);
    if (heading) return <div key={i} className="awe-note-heading">{inline(heading[2])}</div>;
    const item = line.match(/^\s*(?:[-*]|\d+\.)\s+(.*)/);
    if (item) return <div key={i} className="awe-note-item">{inline(item[1])}</div>;
    return <div key={i} className="awe-note-line">{inline(line)}</div>;
  });
}

export const nodeTypes = {awe: WorkflowNode, note: NoteNode};
export const kindOf = (type) => (type === "note" ? "note" : "awe");
export const isNote = (id) => get().specs.get(id)?.type === "note";
