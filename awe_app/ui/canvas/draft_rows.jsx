// Rows that stand for an object: a row may be unfinished, or have the name of another, which no object can hold.

import {useEffect, useRef, useState} from "react";
import {Icon} from "./icons.jsx";
import {Json} from "./controls.jsx";

const alike = (a, b) => a === b || JSON.stringify(a) === JSON.stringify(b);

/** The rows of a value, kept here while they are written; what can be said of them goes on to `onChange`. */
export function useDraftRows(value, read, write, onChange) {
  const [rows, setRows] = useState(() => read(value));
  const own = useRef(value);
  useEffect(() => {
    if (alike(own.current, value)) return;
    own.current = value;
    setRows(read(value));
  }, [value, read]);
  const put = (next) => {
    setRows(next);
    own.current = write(next, own.current);
    onChange(own.current);
  };
  return [rows, put];
}

/** What keeps a row out of the object, in words; empty when nothing does. */
export const trouble = (rows, i) => {
  const {name} = rows[i];
  if (!name) return "";
  return rows.findIndex((row) => row.name === name) < i ? `“${name}” stands there already.` : "";
};
export const sound = (rows) => rows.filter((row, i) => row.name && !trouble(rows, i));

/** The editor by rows, or the same as JSON: for what rows cannot say, and for who prefers it. */
export function RowsOrJson({props, fits, children}) {
  const {value, field, testid} = props;
  const [raw, setRaw] = useState(false);
  const asJson = raw || !fits(value);
  return (
    <div className="awe-rows" role="group" aria-label={field.title} data-rows={!asJson || undefined}>
      {asJson ? <Json {...props} common={{...props.common, "data-testid": testid}} /> : children}
      {fits(value) ? (
        <button type="button" className="awe-link" data-testid={`${testid}-json`} onClick={() => setRaw(!raw)}>{asJson ? "Edit as rows" : "Edit as JSON"}</button>
      ) : null}
    </div>
  );
}

export function AddRow({testid, onClick, children = "Add"}) {
  return <button type="button" className="awe-button awe-add" data-testid={`${testid}-add`} onClick={onClick}><Icon name="plus" size={13} />{children}</button>;
}

export function RemoveRow({testid, label, onClick}) {
  return <button type="button" className="awe-tool" aria-label={label} data-testid={`${testid}-remove`} onClick={onClick}><Icon name="x" size={13} /></button>;
}
