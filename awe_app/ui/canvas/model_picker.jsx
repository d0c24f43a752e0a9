// The builder's model picker for other pages: the same list, search and keys.

import "./builder.css";
import {asOption} from "./choices.jsx";
import {Combo} from "./combo.jsx";

export function ModelPicker({models, value, label, testid, onPick}) {
  return (
    <div className="awe-alone">
      <Combo value={value} options={models.map(asOption)} label={label} common={{"data-testid": testid}} placeholder="None yet" onChoose={(id) => id && onPick(id)} />
    </div>
  );
}
