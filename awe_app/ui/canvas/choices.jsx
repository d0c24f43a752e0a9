// Pickers of what is the user's own. The lists come from Python (choices.py), anew each time a picker opens.

import {useState} from "react";
import {Icon} from "./icons.jsx";
import {Combo} from "./combo.jsx";
import {call, useStore} from "./store.js";

/** Widget of one → the list it chooses from; the list's own name is the widget that chooses several. */
const LISTS = {model: "models", workflow: "workflows", collection: "collections", mcp_server: "mcp_servers", secret: "secrets"};
const ONE = Object.fromEntries(Object.entries(LISTS).map(([one, many]) => [many, one]));
export const choosesOne = (widget) => widget in LISTS;
export const choosesSeveral = (widget) => widget in ONE;

const NONE = [];
const ask = () => call("choose");
const round = (number) => Number(number.toPrecision(3));
const tokens = (count) => (count >= 1e6 ? `${round(count / 1e6)}M` : count >= 1e3 ? `${Math.round(count / 1e3)}k` : `${count}`);
const price = ([prompt, answer]) => (prompt || answer ? `$${round(prompt)} in, $${round(answer)} out per 1M` : "free");
const PLAIN = new Set(["text", "streaming"]);

/** A model as people compare them: context, price, what it can do. */
export function asOption(model) {
  const known = model.price_usd_per_million;
  const facts = [
    model.local ? "this machine" : model.provider, model.context_tokens ? `${tokens(model.context_tokens)} context` : null,
    known ? price(known) : model.local ? "free" : null, ...(model.abilities ?? []).filter((ability) => !PLAIN.has(ability)),
  ];
  return {value: model.id, title: model.local ? model.name : model.id.slice(model.provider.length + 1), detail: facts.filter(Boolean).join(" · "), tags: model.default ? ["your default"] : []};
}

const made = new WeakMap(); // the same options for the same list, so that a picker does not search again
function optionsOf(name, list) {
  if (!made.has(list)) made.set(list, name === "models" ? list.map(asOption) : list);
  return made.get(list);
}

/** One of a list. Ids and expressions may be typed: what is chosen need not be there yet. */
export function Choice({list, value, onChange, field, common, label, empty}) {
  const options = useStore((s) => s.choices[list] ?? NONE);
  return (
    <Combo value={value} options={optionsOf(list, options)} free empty={empty ?? (field.required ? undefined : {title: "None"})} common={common} label={label}
      placeholder={field.placeholder ?? (field.required ? "Choose, or type an id…" : undefined)} onChoose={onChange} onOpen={ask} />
  );
}

/** A model is chosen by its id; where the type has a setting `provider` as well, both are set. */
function Model({value, onChange, onChangeMany, field, fields, config, common}) {
  const models = useStore((s) => s.choices.models ?? NONE);
  const withProvider = (fields ?? []).some((f) => f.name === "provider");
  const standard = models.find((m) => m.default) ?? models[0];
  const full = value && withProvider && config.provider ? `${config.provider}/${value}` : value;
  const choose = (id) => {
    if (!withProvider) return onChange(id);
    const model = models.find((m) => m.id === id);
    return onChangeMany({provider: model?.provider, [field.name]: model ? id.slice(model.provider.length + 1) : id});
  };
  return <Choice list="models" value={full} field={field} common={common} onChange={choose} empty={{title: standard ? `Default (${asOption(standard).title})` : "Default"}} />;
}

/** A secret stands in a setting by its name, as {"secret": name}; what is typed is an expression. */
function Secret({value, onChange, ...props}) {
  const secrets = useStore((s) => s.choices.secrets ?? NONE);
  const choose = (name) => onChange(secrets.some((each) => each.value === name) ? {secret: name} : name);
  return <Choice {...props} list="secrets" value={value?.secret ?? value} onChange={choose} />;
}

export function Picker(props) {
  const {field} = props;
  if (field.widget === "secret") return <Secret {...props} />;
  return field.widget === "model" ? <Model {...props} /> : <Choice {...props} list={LISTS[field.widget]} />;
}

/** Several of a list, in an order. */
export function Picks({value, onChange, field, testid}) {
  const picks = Array.isArray(value) ? value : [];
  const [adding, setAdding] = useState(false);
  const thing = ONE[field.widget];
  const put = (next) => onChange(next.length ? next : undefined);
  const change = (i, next) => put(next === undefined ? picks.filter((_, j) => j !== i) : picks.map((one, j) => (i === j ? next : one)));
  const common = (i) => ({"data-testid": `${testid}-${i}-${thing}`});
  const label = (i) => `${field.title} ${i + 1}`;
  return (
    <div className="awe-rows">
      {picks.map((one, i) => (
        <div key={`${one}:${i}`} className="awe-pick">
          <Choice list={field.widget} value={one} field={{required: true}} common={common(i)} label={label(i)} onChange={(next) => change(i, next)} />
          <button type="button" className="awe-tool" aria-label={`Remove ${label(i)}`} data-testid={`${testid}-${i}-remove`} onClick={() => change(i, undefined)}>
            <Icon name="x" size={13} />
          </button>
        </div>
      ))}
      {adding ? <NewPick list={field.widget} common={common(picks.length)} label={label(picks.length)} onChoose={(one) => put([...picks, one])} onClose={() => setAdding(false)} /> : (
        <button type="button" className="awe-button awe-add" data-testid={`${testid}-add`} onClick={() => setAdding(true)}><Icon name="plus" size={13} />Add</button>
      )}
    </div>
  );
}

function NewPick({list, common, label, onChoose, onClose}) {
  const options = useStore((s) => s.choices[list] ?? NONE);
  const choose = (one) => {
    onClose();
    if (one) onChoose(one);
  };
  return <Combo value={undefined} options={optionsOf(list, options)} free common={common} label={label} autoFocus placeholder="Search…" onChoose={choose} onOpen={ask} onClose={onClose} />;
}
