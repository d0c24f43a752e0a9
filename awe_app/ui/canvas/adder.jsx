// The list that `/`, a double click or a wire dropped in empty space opens: type to search, Enter adds.

import {useEffect, useMemo, useRef, useState} from "react";
import {Icon} from "./icons.jsx";
import {TypeIcon, matching} from "./palette.jsx";
import {addNode} from "./actions.js";
import {set, useStore} from "./store.js";

const SIZE = {width: 300, height: 340};

export function Adder() {
  const adder = useStore((s) => s.adder);
  return adder ? <Panel key={`${adder.screen.x},${adder.screen.y}`} adder={adder} /> : null;
}

function Panel({adder}) {
  const cards = useStore((s) => s.cards);
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef(null);
  const panel = useRef(null);
  const {join, position, screen} = adder;
  const fitting = useMemo(() => {
    const fits = (card) => !join || (join.kind === "target" ? card.outputs.length : card.inputs.length);
    const all = [...cards.values()];
    return matching(position && join ? all.filter(fits) : [...all.filter(fits), ...all.filter((c) => !fits(c))], words);
  }, [cards, words, join, position]);
  const close = () => {
    set({adder: null});
    document.querySelector("[data-testid=canvas]")?.focus({preventScroll: true});
  };
  const choose = (card) => {
    if (!card) return;
    close();
    addNode(card.type, {position, join});
  };
  useEffect(() => setAt(0), [words]);
  useEffect(() => { list.current?.children[at]?.scrollIntoView({block: "nearest"}); }, [at]);
  useEffect(() => {
    const away = (event) => panel.current?.contains(event.target) || set({adder: null});
    const later = setTimeout(() => document.addEventListener("pointerdown", away, true));
    return () => {
      clearTimeout(later);
      document.removeEventListener("pointerdown", away, true);
    };
  }, []);
  const onKeyDown = (event) => {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step) setAt((now) => (now + step + fitting.length) % Math.max(1, fitting.length));
    else if (event.key === "Enter") choose(fitting[at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const left = Math.max(8, Math.min(screen.x, window.innerWidth - SIZE.width - 8));
  const top = Math.max(8, Math.min(screen.y, window.innerHeight - SIZE.height - 8));
  return (
    <div ref={panel} className="awe-adder nowheel nopan" style={{left, top, width: SIZE.width, maxHeight: SIZE.height}}
      role="dialog" aria-label="Add a node" data-testid="adder">
      <label className="awe-search">
        <Icon name="search" size={14} />
        <input autoFocus value={words} placeholder={join ? "Add and connect…" : "Add a node…"} role="combobox"
          aria-expanded="true" aria-controls="awe-adder-list" aria-activedescendant={fitting[at] ? `awe-add-${fitting[at].type}` : undefined}
          aria-label="Search node types" data-testid="adder-search" onChange={(e) => setWords(e.target.value)} onKeyDown={onKeyDown} />
      </label>
      <div ref={list} id="awe-adder-list" role="listbox" aria-label="Node types" className="awe-adder-list awe-scroll">
        {fitting.map((card, i) => (
          <div key={card.type} id={`awe-add-${card.type}`} role="option" aria-selected={i === at} className="awe-option"
            onPointerMove={() => setAt(i)} onClick={() => choose(card)} data-testid={`adder-${card.type}`}>
            <TypeIcon card={card} />
            <span className="awe-titles"><span className="awe-title">{card.title}</span><span className="awe-summary">{card.description}</span></span>
          </div>
        ))}
        {fitting.length ? null : <p className="awe-faint">No node type fits “{words}”.</p>}
      </div>
    </div>
  );
}
