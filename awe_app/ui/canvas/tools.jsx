// The tools of an agent: a name, or {name, requires_approval, settings}. Which there are, and the form of each one's
// settings, comes from the tools' declarations.

import {useId, useRef, useState} from "react";
import {Combo} from "./combo.jsx";
import {Json} from "./controls.jsx";
import {AddRow, RemoveRow} from "./draft_rows.jsx";
import {useStore} from "./store.js";

const asOption = (tool) => ({value: tool.name, title: tool.name, detail: tool.description, tags: tool.requires_approval ? ["asks first"] : []});
const useOf = (given) => (typeof given === "string" ? {name: given} : given ?? {});

/** Written as short as it can be: only a name where nothing else is said. */
function written({name, requires_approval, settings}) {
  const said = {name};
  if (requires_approval !== undefined && requires_approval !== null) said.requires_approval = requires_approval;
  if (settings && Object.keys(settings).length) said.settings = settings;
  return Object.keys(said).length > 1 ? said : name;
}

/** `Form` draws the fields of a tool's settings (fields.jsx). */
export function Tools({value, onChange, field, testid, node, path, Form}) {
  const tools = useStore((s) => s.tools);
  const uses = (value ?? []).map(useOf);
  const [adding, setAdding] = useState(false);
  const box = useRef(null);
  const put = (next) => onChange(next.length ? next.map(written) : undefined);
  const change = (i, next) => put(uses.map((use, j) => (i === j ? next : use)));
  // a tool without settings need not be there twice
  const taken = new Set(uses.map((use) => use.name));
  const left = tools.filter((tool) => tool.fields.length || !taken.has(tool.name)).map(asOption);
  const close = (refocus) => {
    setAdding(false);
    if (refocus) requestAnimationFrame(() => box.current?.querySelector(`[data-testid="${testid}-add"]`)?.focus());
  };
  const escape = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // else the canvas gives the selection up
    close(true);
  };
  const add = (name) => {
    close(true);
    if (name) put([...uses, {name}]);
  };
  return (
    <div className="awe-rows" ref={box} role="group" aria-label={field.title}>
      {uses.map((use, i) => (
        <ToolUse key={`${i}:${use.name}`} use={use} tool={tools.find((t) => t.name === use.name)} options={tools.map(asOption)} testid={`${testid}-${i}`}
          path={`${path}.${i}`} node={node} Form={Form} onChange={(next) => change(i, next)} onRemove={() => put(uses.filter((_, j) => j !== i))} />
      ))}
      {adding ? (
        <div onKeyDown={escape}>
          <Combo value={undefined} options={left} autoFocus label="Tool to add" placeholder="Search tools…" onChoose={add} onClose={() => close(false)}
            common={{"data-testid": `${testid}-${uses.length}-name`}} />
        </div>
      ) : <AddRow testid={testid} onClick={() => setAdding(true)}>Add a tool</AddRow>}
    </div>
  );
}

/** What is wrong with a tool itself; its settings show their own. */
function toolIssue(findings, path) {
  const place = Object.keys(findings).find((at) => at === path || (at.startsWith(`${path}.`) && !at.startsWith(`${path}.settings.`)));
  return place && findings[place];
}

function ToolUse({use, tool, options, testid, path, node, Form, onChange, onRemove}) {
  const id = useId();
  const asks = use.requires_approval ?? tool?.requires_approval ?? false;
  const setAsks = (on) => onChange({...use, requires_approval: on === (tool?.requires_approval ?? false) ? undefined : on});
  const setSettings = (settings) => onChange({...use, settings});
  const setField = (patch) => {
    const next = {...use.settings, ...patch};
    for (const key of Object.keys(patch)) if (patch[key] === undefined) delete next[key];
    setSettings(next);
  };
  const issue = useStore((s) => toolIssue(s.findings[node] ?? {}, path));
  return (
    <fieldset className="awe-row awe-tool-use">
      <legend className="awe-hidden">{use.name}</legend>
      <div className="awe-pick">
        <Combo value={use.name} options={options} label="Tool" common={{"data-testid": `${testid}-name`, "aria-invalid": !tool || undefined}}
          onChoose={(name) => name && onChange({name, requires_approval: use.requires_approval})} />
        <RemoveRow testid={testid} label={`Remove ${use.name}`} onClick={onRemove} />
      </div>
      <p className={tool ? "awe-help awe-two-lines" : "awe-bad"} title={tool?.description}>{tool?.description ?? "There is no such tool on this server."}</p>
      {tool && issue ? <p className="awe-bad">{issue}</p> : null}
      <label className="awe-inline" htmlFor={`${id}-asks`}>
        <span>Ask before each call</span>
        <span className="awe-switch">
          <input id={`${id}-asks`} type="checkbox" role="switch" checked={asks} data-testid={`${testid}-requires_approval`} onChange={(e) => setAsks(e.target.checked)} />
          <span aria-hidden="true" />
        </span>
      </label>
      {tool?.fields.length ? (
        <Form fields={tool.fields} config={use.settings ?? {}} prefix={`${testid}-settings-`} path={`${path}.settings.`} node={node} compact onChange={setField} />
      ) : null}
      {!tool && use.settings ? <Json value={use.settings} field={{}} common={{"aria-label": `Settings of ${use.name}`}} onChange={setSettings} /> : null}
    </fieldset>
  );
}
