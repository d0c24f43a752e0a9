// An object of any names, such as headers: a row for each.

import {Writing, asText} from "./controls.jsx";
import {AddRow, RemoveRow, RowsOrJson, sound, trouble, useDraftRows} from "./draft_rows.jsx";

const isObject = (value) => value === undefined || value === null || (typeof value === "object" && !Array.isArray(value));
const read = (value) => Object.entries(isObject(value) ? value ?? {} : {}).map(([name, held]) => ({name, held}));
function write(rows) {
  const kept = sound(rows);
  return kept.length ? Object.fromEntries(kept.map((row) => [row.name, row.held ?? ""])) : undefined;
}

/** Text stays text; where a list, a number or the like stood, what reads as JSON is read. */
const parseLike = (before) => (text) => {
  if (before === undefined || typeof before === "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

export function KeyValues(props) {
  return <RowsOrJson props={props} fits={isObject}><Pairs {...props} /></RowsOrJson>;
}

function Pairs({value, onChange, field, testid, node}) {
  const [rows, put] = useDraftRows(value, read, write, onChange);
  const change = (i, patch) => put(rows.map((row, j) => (i === j ? {...row, ...patch} : row)));
  return (
    <>
      {rows.map((row, i) => (
        <div key={i} className="awe-pair">
          <input className="awe-control" value={row.name} placeholder="Name" aria-label={`${field.title}: name ${i + 1}`} data-testid={`${testid}-${i}-name`}
            spellCheck={false} aria-invalid={!!trouble(rows, i)} onChange={(e) => change(i, {name: e.target.value})} />
          <Writing value={row.held} field={{placeholder: "Value"}} node={node} format={asText} parse={parseLike(row.held)} onChange={(held) => change(i, {held})}
            common={{"aria-label": `${field.title}: value ${i + 1}`, "data-testid": `${testid}-${i}-value`}} />
          <RemoveRow testid={`${testid}-${i}`} label={`Remove ${row.name || `row ${i + 1}`}`} onClick={() => put(rows.filter((_, j) => j !== i))} />
          {trouble(rows, i) ? <p className="awe-bad" role="status">{trouble(rows, i)}</p> : null}
        </div>
      ))}
      <AddRow testid={testid} onClick={() => put([...rows, {name: "", held: ""}])} />
    </>
  );
}
