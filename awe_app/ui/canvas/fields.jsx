// Forms, derived from declarations: a field for each setting, with the control that its widget names. A new node type
// or tool needs nothing here.

import {useId} from "react";
import {Icon} from "./icons.jsx";
import {Picker, Picks, choosesOne, choosesSeveral} from "./choices.jsx";
import {Json, Lines, Select, Switch, Writing, parseNumber} from "./controls.jsx";
import {KeyValues} from "./key_values.jsx";
import {SchemaEditor} from "./schema.jsx";
import {Tools} from "./tools.jsx";
import {useStore} from "./store.js";

function Rows({value, onChange, field, testid, node, path}) {
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
          <Fields fields={field.columns ?? []} config={row ?? {}} prefix={`${testid}-${i}-`} path={`${path}.${i}.`} node={node} compact
            onChange={(patch) => change(i, patched(row ?? {}, patch))} />
        </fieldset>
      ))}
      <button type="button" className="awe-button awe-add" data-testid={`${testid}-add`} onClick={() => onChange([...rows, fresh()])}>
        <Icon name="plus" size={13} />Add
      </button>
    </div>
  );
}

/** One object with the fields of its own model. Without any of them set there is none. */
function Inner({value, onChange, field, testid, node, path}) {
  const change = (patch) => {
    const next = patched(value ?? {}, patch);
    onChange(Object.keys(next).length ? next : undefined);
  };
  return (
    <fieldset className="awe-row">
      <legend className="awe-hidden">{field.title}</legend>
      <Fields fields={field.columns ?? []} config={value ?? {}} prefix={`${testid}-`} path={`${path}.`} node={node} compact onChange={change} />
    </fieldset>
  );
}

/** The object with a patch applied; undefined takes a key away. */
export function patched(object, patch) {
  const next = {...object, ...patch};
  for (const key of Object.keys(patch)) if (patch[key] === undefined) delete next[key];
  return next;
}

/** Widgets of several controls; each shows values of its own kind, and others, expressions for instance, as JSON. */
const isList = (value) => value === undefined || value === null || Array.isArray(value);
const isObject = (value) => value === undefined || value === null || (typeof value === "object" && !Array.isArray(value));
const WIDE = {rows: isList, tools: isList, object: isObject, schema: isObject, key_values: isObject};
const isWide = (field, value) => (choosesSeveral(field.widget) ? isList(value) : !!WIDE[field.widget]?.(value));

function Control(props) {
  const {field, value} = props;
  if (choosesOne(field.widget)) return <Picker {...props} />;
  if (choosesSeveral(field.widget)) return isList(value) ? <Picks {...props} /> : <Json {...props} />;
  if (field.widget in WIDE && !isWide(field, value)) return <Json {...props} />;
  switch (field.widget) {
    case "textarea": return <Writing {...props} rows={3} />;
    case "prompt": return <Writing {...props} rows={4} />;
    case "code": return <Writing {...props} rows={8} mono />;
    case "number": return <Writing {...props} inputMode="decimal" parse={parseNumber} />;
    case "switch": return <Switch {...props} />;
    case "select": return <Select {...props} />;
    case "rows": return <Rows {...props} />;
    case "object": return <Inner {...props} />;
    case "tools": return <Tools {...props} Form={Fields} />;
    case "schema": return <SchemaEditor {...props} />;
    case "key_values": return <KeyValues {...props} />;
    case "list": return <Lines {...props} />;
    case "json": return <Json {...props} />;
    case "expression": return <Writing {...props} rows={1} />;
    default: return <Writing {...props} />;
  }
}

/** `path` is the setting's dotted place in the node, by which issues name it. */
export function Field(props) {
  const {field, prefix = "field-", path = "", node, value} = props;
  const id = useId();
  const at = `${path}${field.name}`;
  const issue = useStore((s) => (node ? s.findings[node]?.[at] : undefined));
  const testid = `${prefix}${field.name}`;
  const wide = isWide(field, value);
  const told = [field.description && `${id}-help`, issue && `${id}-issue`].filter(Boolean).join(" ");
  const common = {
    id, "data-testid": wide ? undefined : testid, "aria-describedby": told || undefined, "aria-required": field.required || undefined,
    "aria-invalid": issue ? true : undefined,
  };
  const Label = wide ? "span" : "label";
  return (
    <div className="awe-field" data-widget={field.widget} data-wide={wide || undefined} data-invalid={issue ? true : undefined}>
      <Label className="awe-label" htmlFor={wide ? undefined : id}>
        {field.title}{field.required ? <span className="awe-required" title="Required"> *</span> : null}
      </Label>
      <Control {...props} testid={testid} path={at} common={common} />
      {issue ? <p className="awe-bad awe-finding" id={`${id}-issue`} data-testid={`finding-${testid}`}><Icon name="triangle-alert" size={12} />{issue}</p> : null}
      {field.description ? <p className="awe-help" id={`${id}-help`}>{field.description}</p> : null}
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

/** `among` are all settings that belong together, where `fields` are some of them. */
export function Fields({fields, among = fields, config, prefix, path, node, onChange, compact}) {
  return (
    <div className={compact ? "awe-fields awe-compact" : "awe-fields"}>
      {fields.filter((f) => isShown(f, among, config)).map((field) => (
        <Field key={field.name} field={field} fields={among} config={config} prefix={prefix} path={path} node={node} value={config[field.name]}
          onChange={(value) => onChange({[field.name]: value}, field.name)} onChangeMany={(patch) => onChange(patch, field.name)} />
      ))}
    </div>
  );
}
