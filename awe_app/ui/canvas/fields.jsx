// The controls of the inspector. Each keeps its own text while somebody writes, so typing is never lost or reordered;
// what is written goes into the store letter by letter and to the server when there is a pause (store.js).

import {useEffect, useId, useRef, useState} from "react";
import {Icon} from "./icons.jsx";
import {Completion, useCompletion} from "./completion.jsx";
import {useStore} from "./store.js";

const asText = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));
const isExpression = (text) => /\{\{[^]*\}\}/.test(text);

/** Text as a number where it is one; expressions and what is no number stay text, which validation comments on. */
export const parseNumber = (text) => {
  const trimmed = text.trim();
  if (!trimmed) return undefined;
  const number = Number(trimmed.replace(",", "."));
  return isExpression(trimmed) || Number.isNaN(number) ? text : number;
};

/** The draft of a text control: `format` writes the value, `parse` reads the text; undefined means unset. */
function useDraft(value, format, parse, onChange) {
  const [text, setText] = useState(() => format(value));
  const own = useRef(value);
  useEffect(() => {
    if (own.current === value || JSON.stringify(own.current) === JSON.stringify(value)) return;
    own.current = value;
    setText(format(value));
  }, [value, format]);
  const write = (next) => {
    setText(next);
    const parsed = parse(next);
    if (parsed instanceof Error) return;
    own.current = parsed;
    onChange(parsed);
  };
  return [text, write];
}

const asTextValue = (text) => (text === "" ? undefined : text);

function Writing({value, onChange, field, rows, mono, inputMode, format = asText, parse = asTextValue, common, node}) {
  const [text, write] = useDraft(value, format, parse, onChange);
  const control = useRef(null);
  const completion = useCompletion(control, text, write, node);
  useEffect(() => {
    const box = control.current;
    if (!rows || !box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 360)}px`;
  }, [text, rows]);
  const shared = {
    ...common, ref: control, value: text, placeholder: field.placeholder, spellCheck: false,
    className: `awe-control ${mono ? "awe-mono" : ""}`, "data-expression": isExpression(text) || undefined,
    onChange: (e) => write(e.target.value), ...completion.handlers,
  };
  return (
    <div className="awe-writing">
      {rows ? <textarea {...shared} rows={rows} /> : <input {...shared} type="text" inputMode={inputMode} />}
      <Completion {...completion} />
    </div>
  );
}

function Switch({value, onChange, field, common, node}) {
  if (typeof value === "string") return <Writing {...{value, onChange, field, common, node}} />;
  const on = value ?? field.default ?? false;
  return (
    <label className="awe-switch">
      <input {...common} type="checkbox" role="switch" checked={!!on} onChange={(e) => onChange(e.target.checked)} />
      <span aria-hidden="true" /><span>{on ? "On" : "Off"}</span>
    </label>
  );
}

const words = (option) => String(option).replaceAll("_", " ");

function Select({value, onChange, field, common}) {
  const chosen = value ?? field.default ?? "";
  const options = field.options ?? [];
  return (
    <select {...common} className="awe-control" value={chosen} onChange={(e) => onChange(e.target.value === "" ? undefined : e.target.value)}>
      {field.default === undefined || !options.includes(chosen) ? <option value="">{chosen === "" ? "Choose…" : words(chosen)}</option> : null}
      {options.map((option) => <option key={option} value={option}>{words(option)}</option>)}
    </select>
  );
}

/** A model is chosen by its id; where the type has a setting `provider` as well, both are set. */
function Model({value, onChange, onChangeMany, field, common, config, fields}) {
  const models = useStore((s) => s.models);
  const withProvider = fields.some((f) => f.name === "provider");
  const idOf = (provider, name) => models.find((m) => m.id === `${provider}/${name}` || (!provider && m.id === name))?.id;
  const chosen = value ? idOf(withProvider ? config.provider : "", value) ?? `?${value}` : "";
  const choose = (id) => {
    const model = models.find((m) => m.id === id);
    if (!withProvider) return onChange(model ? model.id : undefined);
    const name = model ? model.id.slice(model.provider.length + 1) : undefined;
    return onChangeMany({provider: model?.provider, [field.name]: name});
  };
  const standard = models.find((m) => m.default) ?? models[0];
  return (
    <select {...common} className="awe-control" value={chosen} onChange={(e) => choose(e.target.value)}>
      <option value="">{standard ? `Default (${standard.name})` : "Default"}</option>
      {chosen.startsWith("?") ? <option value={chosen}>{asText(value)} (not available)</option> : null}
      {models.map((m) => <option key={m.id} value={m.id}>{m.name}{m.local ? " · local" : ` · ${m.provider}`}</option>)}
    </select>
  );
}

const formatJson = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2));
function parseJson(text) {
  if (!text.trim()) return undefined;
  if (isExpression(text)) return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}

function Json(props) {
  const [bad, setBad] = useState("");
  const parse = (text) => {
    const parsed = parseJson(text);
    setBad(parsed instanceof Error ? "This is no JSON yet; the last valid text is kept." : "");
    return parsed;
  };
  return (
    <>
      <Writing {...props} rows={3} mono format={formatJson} parse={parse} />
      {bad ? <p className="awe-bad" role="status">{bad}</p> : null}
    </>
  );
}

const formatList = (value) => (Array.isArray(value) ? value.map(asText).join("\n") : asText(value));
function parseList(text) {
  if (isExpression(text) && !text.includes("\n")) return text;
  const lines = text.split("\n");
  return text.trim() ? lines.map((line) => line.trim()).filter(Boolean) : undefined;
}

function Rows({value, onChange, field, testid, node}) {
  const rows = Array.isArray(value) ? value : [];
  const change = (i, next) => onChange(rows.map((row, j) => (i === j ? next : row)));
  const fresh = () => Object.fromEntries((field.columns ?? []).filter((c) => c.required).map((c) => [c.name, c.default ?? (c.options?.[0] ?? "")]));
  const move = (i, step) => {
    const next = [...rows];
    [next[i], next[i + step]] = [next[i + step], next[i]];
    onChange(next);
  };
  const remove = (i) => {
    const next = rows.filter((_, j) => j !== i);
    onChange(next.length ? next : undefined);
  };
  return (
    <div className="awe-rows">
      {rows.map((row, i) => (
        <fieldset key={i} className="awe-row">
          <legend>{row?.label || row?.name || `${field.title} ${i + 1}`}</legend>
          <span className="awe-row-tools">
            <button type="button" className="awe-tool" aria-label={`Move ${i + 1} up`} disabled={!i} onClick={() => move(i, -1)}><Icon name="arrow-up" size={13} /></button>
            <button type="button" className="awe-tool" aria-label={`Move ${i + 1} down`} disabled={i === rows.length - 1} onClick={() => move(i, 1)}><Icon name="arrow-down" size={13} /></button>
            <button type="button" className="awe-tool" aria-label={`Remove ${i + 1}`} data-testid={`${testid}-${i}-remove`} onClick={() => remove(i)}><Icon name="x" size={13} /></button>
          </span>
          <Fields fields={field.columns ?? []} config={row ?? {}} prefix={`${testid}-${i}-`} node={node} compact
            onChange={(patch) => change(i, patched(row ?? {}, patch))} />
        </fieldset>
      ))}
      <button type="button" className="awe-button awe-add" data-testid={`${testid}-add`} onClick={() => onChange([...rows, fresh()])}>
        <Icon name="plus" size={13} />Add
      </button>
    </div>
  );
}

/** The object with a patch applied; undefined takes a key away. */
export function patched(object, patch) {
  const next = {...object, ...patch};
  for (const key of Object.keys(patch)) if (patch[key] === undefined) delete next[key];
  return next;
}

function Control(props) {
  const {field} = props;
  switch (field.widget) {
    case "textarea": return <Writing {...props} rows={3} />;
    case "prompt": return <Writing {...props} rows={4} />;
    case "code": return <Writing {...props} rows={8} mono />;
    case "number": return <Writing {...props} inputMode="decimal" parse={parseNumber} />;
    case "switch": return <Switch {...props} />;
    case "select": return <Select {...props} />;
    case "model": return <Model {...props} />;
    case "rows": return <Rows {...props} />;
    case "list": return <Writing {...props} rows={2} format={formatList} parse={parseList} />;
    case "json": return <Json {...props} />;
    case "expression": return <Writing {...props} rows={1} />;
    default: return <Writing {...props} />;
  }
}

const WIDE = new Set(["rows"]);

export function Field(props) {
  const {field, prefix = "field-", value} = props;
  const id = useId();
  const testid = `${prefix}${field.name}`;
  const common = {
    id, "data-testid": WIDE.has(field.widget) ? undefined : testid, "aria-describedby": field.description ? `${id}-help` : undefined,
    "aria-required": field.required || undefined,
  };
  const unset = value === undefined || value === null;
  return (
    <div className="awe-field" data-widget={field.widget}>
      <label htmlFor={WIDE.has(field.widget) ? undefined : id}>
        {field.title}{field.required ? <span className="awe-required" title="Required"> *</span> : null}
      </label>
      <Control {...props} testid={testid} common={common} />
      {field.description ? <p className="awe-help" id={`${id}-help`}>{field.description}</p> : null}
      {unset && field.widget === "number" && field.default !== undefined ? <p className="awe-help">Default: {asText(field.default)}</p> : null}
    </div>
  );
}

/** Whether a field is to be seen beside the others' values. */
export function isShown(field, fields, config) {
  if (field.widget === "hidden") return false;
  if (!field.show_when) return true;
  return Object.entries(field.show_when).every(([name, wanted]) => {
    const other = fields.find((f) => f.name === name);
    return wanted.includes(config[name] ?? other?.default ?? null);
  });
}

export function Fields({fields, config, prefix, node, onChange, compact}) {
  return (
    <div className={compact ? "awe-fields awe-compact" : "awe-fields"}>
      {fields.filter((f) => isShown(f, fields, config)).map((field) => (
        <Field key={field.name} field={field} fields={fields} config={config} prefix={prefix} node={node} value={config[field.name]}
          onChange={(value) => onChange({[field.name]: value}, field.name)} onChangeMany={(patch) => onChange(patch, field.name)} />
      ))}
    </div>
  );
}
