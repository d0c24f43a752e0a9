// The panel on the right: the form of the chosen node, derived from its type's declaration, what went in and came
// out in the last run, and the type's documentation. Without a chosen node: the workflow itself.

import {useEffect, useState} from "react";
import {Icon} from "./icons.jsx";
import {TypeIcon} from "./palette.jsx";
import {configKey, configOf} from "./document.js";
import {Fields} from "./fields.jsx";
import {remove} from "./actions.js";
import {cardOf, commit, flush, select, set, statusOf, titleOf, type, useStore} from "./store.js";

const TABS = [["configure", "Configure"], ["input", "Input"], ["output", "Output"], ["docs", "Docs"]];

const INPUTS = {
  name: "inputs", title: "Inputs", widget: "rows", description: "Values by a short name: {{ topic }} instead of {{ nodes.research.output.topic }}.",
  columns: [{name: "name", title: "Name", widget: "text", required: true}, {name: "value", title: "Value", widget: "expression", placeholder: "{{ inputs.text }}"}],
};
const ADVANCED = [
  {name: "timeout_s", title: "Time limit (seconds)", widget: "number", placeholder: "none"},
  {name: "on_error", title: "When it fails", widget: "select", options: ["fail", "continue", "branch"], default: "fail",
    description: "fail ends the run; continue goes on with the default output; branch leaves by the port “error”."},
  {name: "default_output", title: "Default output", widget: "json", show_when: {on_error: ["continue"]}},
  {name: "disabled", title: "Disabled", widget: "switch", default: false},
];
const RETRY = [
  {name: "max_attempts", title: "Attempts", widget: "number", default: 1},
  {name: "backoff_s", title: "First wait (seconds)", widget: "number", default: 1},
  {name: "backoff_factor", title: "Wait grows by", widget: "number", default: 2},
];

let turn = Math.floor(performance.now());
/** A name for what is typed between focus and blur: one step of undo. */
const gesture = (place) => `${place}:${turn}`;
function leave() {
  flush();
  turn += 1;
}

function Configure({id, spec, card}) {
  const config = configOf(spec);
  const path = `${configKey(spec)}.`;
  const main = card.fields.filter((f) => !f.advanced);
  const more = card.fields.filter((f) => f.advanced);
  const configure = (patch, place) => {
    const settings = {};
    const unset = [];
    for (const [key, value] of Object.entries(patch)) {
      if (value === undefined) unset.push(key);
      else settings[key] = value;
    }
    type({op: "configure", node: id, settings, unset}, gesture(`${id}.${place}`));
  };
  const setField = (patch) => {
    const [[field, value]] = Object.entries(patch);
    const empty = {inputs: [], disabled: false, on_error: "fail"};
    if (field === "timeout_s" && typeof value === "string") return; // not a number yet
    type({op: "set_field", node: id, field, value: value ?? empty[field] ?? null}, gesture(`${id}#${field}`));
  };
  const setRetry = (patch) => {
    const retry = {...{max_attempts: 1, backoff_s: 1, backoff_factor: 2}, ...spec.retry, ...patch};
    for (const f of RETRY) if (typeof retry[f.name] !== "number") retry[f.name] = f.default;
    type({op: "set_field", node: id, field: "retry", value: retry}, gesture(`${id}#retry`));
  };
  // a setting of the type's own keeps the plain test id; the node's field of the same name then steps back
  const prefix = (name) => (card.fields.some((f) => f.name === name) ? "field-node-" : "field-");
  return (
    <div className="awe-form" onBlur={leave}>
      <Fields fields={main} among={card.fields} config={config} path={path} node={id} onChange={configure} />
      {more.length ? (
        <details className="awe-more" open>
          <summary>More settings</summary>
          <Fields fields={more} among={card.fields} config={config} path={path} node={id} onChange={configure} />
        </details>
      ) : null}
      {card.runs ? (
        <details className="awe-more">
          <summary>Advanced</summary>
          {card.inputs.length ? <Fields fields={[INPUTS]} config={{inputs: spec.inputs}} prefix={prefix("inputs")} node={id} onChange={setField} /> : null}
          {ADVANCED.map((f) => <Fields key={f.name} fields={[f]} config={spec} prefix={prefix(f.name)} node={id} onChange={setField} />)}
          <Fields fields={RETRY} config={spec.retry ?? {}} prefix="field-retry-" node={id} onChange={setRetry} />
          <Id id={id} />
        </details>
      ) : null}
    </div>
  );
}

function Id({id}) {
  const [draft, setDraft] = useState(id);
  const taken = useStore((s) => draft !== id && s.specs.has(draft));
  useEffect(() => setDraft(id), [id]);
  const wrong = !/^[a-z][a-z0-9_]{0,63}$/.test(draft) ? "Small letters, digits and _, beginning with a letter." : taken ? "Another node has this id." : "";
  const rename = () => {
    if (draft === id) return;
    if (wrong) setDraft(id);
    else {
      commit({op: "rename", node: id, to: draft});
      select([draft]);
    }
  };
  return (
    <div className="awe-field">
      <label htmlFor={`awe-id-${id}`}>Id</label>
      <input id={`awe-id-${id}`} className="awe-control awe-mono" value={draft} data-testid="field-node-id" spellCheck={false}
        aria-invalid={!!wrong} onChange={(e) => setDraft(e.target.value)} onBlur={rename} onKeyDown={(e) => e.key === "Enter" && rename()} />
      <p className={wrong ? "awe-bad" : "awe-help"}>{wrong || `Expressions call it nodes.${id}. Renaming changes them too.`}</p>
    </div>
  );
}

const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function Values({title, value, absent}) {
  if (value === undefined || value === null) return <p className="awe-faint awe-pad">{absent}</p>;
  return (
    <section className="awe-values" aria-label={title}>
      {typeof value === "object" && !Array.isArray(value) && Object.keys(value).length ? Object.entries(value).map(([name, item]) => (
        <div key={name}><h4>{name}</h4><pre tabIndex={0}>{pretty(item)}</pre></div>
      )) : <pre tabIndex={0}>{pretty(value)}</pre>}
    </section>
  );
}

function Docs({card}) {
  return (
    <div className="awe-docs">
      <p>{card.description}</p>
      <h4>Ports</h4>
      <p>{[...card.inputs.map((p) => `in: ${p.title || p.name}`), ...card.outputs.map((p) => `out: ${p.title || p.name}`)].join(" · ") || "none"}</p>
      {card.fields.length ? <h4>Settings</h4> : null}
      <dl>
        {card.fields.filter((f) => f.widget !== "hidden").map((f) => (
          <div key={f.name}><dt><code>{f.name}</code>{f.required ? " *" : ""}</dt><dd>{f.title}. {f.description}</dd></div>
        ))}
      </dl>
    </div>
  );
}

function NodeForm({id}) {
  const spec = useStore((s) => s.specs.get(id));
  const card = useStore((s) => cardOf(s, id));
  const status = useStore((s) => statusOf(s, id));
  const issue = useStore((s) => s.issues[id]);
  const io = useStore((s) => (s.io.node_id === id ? s.io : null));
  const tab = useStore((s) => s.inspectorTab);
  if (!spec || !card) return null;
  const rename = (value) => type({op: "set_field", node: id, field: "name", value}, gesture(`${id}#name`));
  return (
    <>
      <header className="awe-inspector-head">
        <TypeIcon card={card} />
        <input className="awe-name" value={spec.name} placeholder={id} maxLength={200} aria-label="Name of the node" data-testid="field-name"
          onChange={(e) => rename(e.target.value)} onBlur={leave} spellCheck={false} />
        <button type="button" className="awe-tool" aria-label="Delete the node" title="Delete (⌫)" onClick={() => remove()} data-testid="delete-node"><Icon name="trash" size={15} /></button>
        <button type="button" className="awe-tool awe-narrow" aria-label="Close" onClick={() => set({panel: "none"})}><Icon name="x" size={15} /></button>
      </header>
      <div className="awe-tabs" role="tablist" aria-label="Node">
        {TABS.map(([name, title]) => (
          <button key={name} type="button" role="tab" id={`awe-tab-${name}`} aria-selected={tab === name} aria-controls="awe-tabpanel"
            onClick={() => set({inspectorTab: name})} data-testid={`inspector-${name}`}>{title}</button>
        ))}
      </div>
      <div className="awe-scroll awe-tabpanel" role="tabpanel" id="awe-tabpanel" aria-labelledby={`awe-tab-${tab}`}>
        {io?.error && status === "failed" ? (
          <p className="awe-error" role="alert" data-testid="node-error"><Icon name="circle-x" size={14} /><span><b>{io.error.code}</b> {io.error.detail}</span></p>
        ) : null}
        {issue && tab === "configure" ? <p className="awe-warning"><Icon name="triangle-alert" size={14} /><span>{issue}</span></p> : null}
        {tab === "configure" ? <Configure key={id} id={id} spec={spec} card={card} /> : null}
        {tab === "input" ? <Values title="Input" value={io?.input} absent="Run the workflow to see what goes in here." /> : null}
        {tab === "output" ? <Values title="Output" value={io?.output} absent="Run the workflow to see what comes out." /> : null}
        {tab === "docs" ? <Docs card={card} /> : null}
      </div>
    </>
  );
}

const WORKFLOW_FIELDS = [
  {name: "description", title: "Description", widget: "textarea", placeholder: "What is it for?"},
  {name: "variables", title: "Variables", widget: "json", placeholder: '{"tone": "plain"}', description: "Used as {{ variables.tone }}."},
];

function WorkflowForm() {
  const workflow = useStore((s) => s.workflow);
  const session = useStore((s) => s.session);
  const change = (patch) => {
    const [[name, value]] = Object.entries(patch);
    if (name === "variables" && value !== undefined && (typeof value !== "object" || Array.isArray(value))) return;
    type({op: "set_workflow", [name]: value ?? (name === "variables" ? {} : "")}, gesture(`workflow.${name}`));
  };
  const variables = Object.keys(workflow.variables ?? {}).length ? workflow.variables : undefined;
  return (
    <>
      <header className="awe-inspector-head"><h2>Workflow</h2>
        <button type="button" className="awe-tool awe-narrow" aria-label="Close" onClick={() => set({panel: "none"})}><Icon name="x" size={15} /></button></header>
      <div className="awe-scroll awe-tabpanel" onBlur={leave}>
        <Fields key={session} fields={WORKFLOW_FIELDS} prefix="workflow-" config={{description: workflow.description, variables}} onChange={change} />
        <p className="awe-faint">Choose a node to see its settings.</p>
      </div>
    </>
  );
}

function Several({ids}) {
  const titles = useStore((s) => ids.map((id) => titleOf(s, id)).join(", "));
  return (
    <>
      <header className="awe-inspector-head"><h2>{ids.length} nodes</h2>
        <button type="button" className="awe-tool" aria-label="Delete the nodes" onClick={() => remove()}><Icon name="trash" size={15} /></button></header>
      <div className="awe-tabpanel"><p className="awe-faint">{titles}</p></div>
    </>
  );
}

export function NodeInspector() {
  const selected = useStore((s) => s.selected);
  const panel = useStore((s) => s.panel);
  const shown = panel === "inspector" || (selected.length === 1 && panel === "");
  return (
    <aside className="awe-inspector" data-testid="inspector" aria-label="Inspector" data-shown={shown || undefined}>
      {selected.length === 1 ? <NodeForm id={selected[0]} /> : selected.length ? <Several ids={selected} /> : <WorkflowForm />}
    </aside>
  );
}
