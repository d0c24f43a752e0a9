// The plain controls of the inspector. Each keeps its own text while somebody writes, so typing is never lost or
// reordered; what is written goes into the store letter by letter and to the server when there is a pause (store.js).

import {useEffect, useRef, useState} from "react";
import {Completion, useCompletion} from "./completion.jsx";

export const asText = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));
export const isExpression = (text) => /\{\{[^]*\}\}/.test(text);

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

export function Writing({value, onChange, field, rows, mono, inputMode, format = asText, parse = asTextValue, common, node}) {
  const [text, write] = useDraft(value, format, parse, onChange);
  const control = useRef(null);
  const standard = ["number", "string"].includes(typeof field.default) ? `${field.default}` : undefined;
  const completion = useCompletion(control, text, write, node);
  useEffect(() => {
    const box = control.current;
    if (!rows || !box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 360)}px`;
  }, [text, rows]);
  const shared = {
    ...common, ref: control, value: text, placeholder: field.placeholder ?? standard, spellCheck: false,
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

export function Switch({value, onChange, field, common, node}) {
  if (typeof value === "string") return <Writing {...{value, onChange, field, common, node}} />;
  const on = value ?? field.default ?? false;
  return (
    <label className="awe-switch">
      <input {...common} type="checkbox" role="switch" checked={!!on} onChange={(e) => onChange(e.target.checked)} />
      <span aria-hidden="true" /><span>{on ? "On" : "Off"}</span>
    </label>
  );
}

const words = (option, field) => field.titles?.[option] ?? String(option).replaceAll("_", " ");

export function Select({value, onChange, field, common}) {
  const chosen = value ?? field.default ?? "";
  const options = field.options ?? [];
  return (
    <select {...common} className="awe-control" value={chosen} onChange={(e) => onChange(e.target.value === "" ? undefined : e.target.value)}>
      {field.default === undefined || !options.includes(chosen) ? <option value="">{chosen === "" ? "Choose…" : words(chosen, field)}</option> : null}
      {options.map((option) => <option key={option} value={option}>{words(option, field)}</option>)}
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

export function Json(props) {
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

/** Texts, one a line. */
export const Lines = (props) => <Writing {...props} rows={2} format={formatList} parse={parseList} />;
