// An answer's format: a row for each field, written as JSON Schema. What a row cannot say stands in it as JSON.

import {Json, Writing} from "./controls.jsx";
import {AddRow, RemoveRow, RowsOrJson, sound, trouble, useDraftRows} from "./draft_rows.jsx";

const KINDS = [
  ["text", "Text", {type: "string"}], ["number", "Number", {type: "number"}], ["integer", "Whole number", {type: "integer"}],
  ["boolean", "Yes or no", {type: "boolean"}], ["texts", "List of texts", {type: "array", items: {type: "string"}}],
  ["numbers", "List of numbers", {type: "array", items: {type: "number"}}], ["choice", "One of…", {type: "string", enum: []}],
];
const OTHER = "other"; // objects in objects and the like: its own JSON
const shapeOf = Object.fromEntries(KINDS.map(([kind, , shape]) => [kind, shape]));

function kindOf(schema) {
  const {title, description, ...shape} = schema;
  if (shape.type === "string" && Array.isArray(shape.enum) && Object.keys(shape).length === 2) return "choice";
  return KINDS.find(([, , known]) => JSON.stringify(known) === JSON.stringify(shape))?.[0] ?? OTHER;
}

const isObject = (value) => value && typeof value === "object" && !Array.isArray(value);
/** Rows can show it: nothing yet, or an object with named fields. */
const fits = (value) => value === undefined || value === null
  || (isObject(value) && value.type === "object" && isObject(value.properties ?? {}) && Object.values(value.properties ?? {}).every(isObject));

function read(value) {
  if (!value || !fits(value)) return [];
  const required = new Set(value.required ?? []);
  return Object.entries(value.properties ?? {}).map(([name, schema]) => ({name, schema, required: required.has(name)}));
}

function write(rows, before) {
  const kept = sound(rows);
  if (!kept.length) return undefined;
  const schema = {...(fits(before) ? before : {}), type: "object", properties: Object.fromEntries(kept.map((row) => [row.name, row.schema]))};
  const required = kept.filter((row) => row.required).map((row) => row.name);
  delete schema.required;
  return required.length ? {...schema, required} : schema;
}

export function SchemaEditor(props) {
  return <RowsOrJson props={props} fits={fits}><SchemaRows {...props} /></RowsOrJson>;
}

function SchemaRows({value, onChange, testid}) {
  const [rows, put] = useDraftRows(value, read, write, onChange);
  return (
    <>
      {rows.map((row, i) => (
        <SchemaRow key={i} row={row} number={i + 1} testid={`${testid}-${i}`} wrong={trouble(rows, i)}
          onChange={(patch) => put(rows.map((one, j) => (i === j ? {...one, ...patch} : one)))} onRemove={() => put(rows.filter((_, j) => j !== i))} />
      ))}
      <AddRow testid={testid} onClick={() => put([...rows, {name: "", schema: {type: "string"}, required: true}])}>Add a field</AddRow>
    </>
  );
}

function SchemaRow({row, number, testid, wrong, onChange, onRemove}) {
  const {name, schema, required} = row;
  const kind = kindOf(schema);
  const called = name || `field ${number}`;
  const setKind = (next) => {
    const {title, description} = schema;
    const shape = next === OTHER ? {type: "object", properties: {}} : shapeOf[next];
    onChange({schema: {...shape, ...(title && {title}), ...(description && {description})}});
  };
  const setDescription = (text) => {
    const {description, ...rest} = schema;
    onChange({schema: text ? {...rest, description: text} : rest});
  };
  return (
    <fieldset className="awe-row awe-schema-row">
      <legend className="awe-hidden">{called}</legend>
      <input className="awe-control" value={name} placeholder="name" aria-label={`Name of ${called}`} data-testid={`${testid}-name`} spellCheck={false}
        aria-invalid={!!wrong} onChange={(e) => onChange({name: e.target.value.trim()})} />
      <select className="awe-control" value={kind} aria-label={`Kind of ${called}`} data-testid={`${testid}-type`} onChange={(e) => setKind(e.target.value)}>
        {KINDS.map(([each, title]) => <option key={each} value={each}>{title}</option>)}
        <option value={OTHER}>As JSON…</option>
      </select>
      <RemoveRow testid={testid} label={`Remove ${called}`} onClick={onRemove} />
      {wrong ? <p className="awe-bad" role="status">{wrong}</p> : null}
      {kind === "choice" ? <Choices schema={schema} testid={testid} called={called} onChange={onChange} /> : null}
      {kind === OTHER ? (
        <div className="awe-wide"><Json value={schema} field={{}} common={{"aria-label": `Schema of ${called}`, "data-testid": `${testid}-schema`}}
          onChange={(next) => isObject(next) && onChange({schema: next})} /></div>
      ) : (
        <input className="awe-control awe-wide" value={schema.description ?? ""} placeholder="What the model should put here" aria-label={`Description of ${called}`}
          data-testid={`${testid}-description`} onChange={(e) => setDescription(e.target.value)} />
      )}
      <label className="awe-check-box"><input type="checkbox" checked={required} data-testid={`${testid}-required`} onChange={(e) => onChange({required: e.target.checked})} />Required</label>
    </fieldset>
  );
}

const listed = (value) => (value ?? []).join(", ");
const split = (text) => text.split(",").map((word) => word.trim()).filter(Boolean);

function Choices({schema, testid, called, onChange}) {
  return (
    <div className="awe-wide"><Writing value={schema.enum} field={{placeholder: "low, middle, high"}} format={listed} parse={split}
      onChange={(words) => onChange({schema: {...schema, enum: words}})} common={{"aria-label": `Choices of ${called}`, "data-testid": `${testid}-choices`}} /></div>
  );
}
