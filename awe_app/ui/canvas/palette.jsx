// The palette on the left: every node type by category, to drag or to add with a click or Enter.

import {useMemo, useState} from "react";
import {Icon, categoryColor} from "./icons.jsx";
import {addNode} from "./actions.js";
import {set, useStore} from "./store.js";

/** Cards that fit the words, best first. Not loops: the canvas draws no containers, so one added here had no inside. */
export function matching(all, words) {
  const cards = all.filter((card) => !card.contains);
  const asked = words.trim().toLowerCase();
  const rank = (card) => {
    const title = card.title.toLowerCase();
    if (title.startsWith(asked) || card.type.startsWith(asked)) return 0;
    if (title.includes(asked)) return 1;
    return `${card.type} ${card.category} ${card.description}`.toLowerCase().includes(asked) ? 2 : 3;
  };
  return asked ? cards.filter((c) => rank(c) < 3).sort((a, b) => rank(a) - rank(b)) : cards;
}

export function TypeIcon({card}) {
  const hue = categoryColor(card.category);
  return (
    <span className="awe-icon" style={{"--awe-tint": `var(--${hue}-3)`, "--awe-ink": `var(--${hue}-11)`}}>
      <Icon name={card.icon} size={15} />
    </span>
  );
}

export function NodePalette() {
  const cards = useStore((s) => s.cards);
  const shown = useStore((s) => s.panel === "palette");
  const [words, setWords] = useState("");
  const found = useMemo(() => matching([...cards.values()], words), [cards, words]);
  const groups = useMemo(() => {
    const byCategory = new Map();
    for (const card of found) byCategory.set(card.category, [...(byCategory.get(card.category) ?? []), card]);
    return [...byCategory];
  }, [found]);
  const add = (card) => {
    addNode(card.type);
    set({panel: ""});
  };
  const startDrag = (event, card) => {
    event.dataTransfer.setData("application/awe-node", card.type);
    event.dataTransfer.effectAllowed = "copy";
  };
  const onSearchKey = (event) => {
    if (event.key === "Enter" && found.length) add(found[0]);
    if (event.key === "Escape") setWords("");
  };
  return (
    <aside className="awe-palette" aria-label="Node types" data-shown={shown || undefined}>
      <label className="awe-search">
        <Icon name="search" size={14} />
        <input type="search" value={words} placeholder="Search nodes" aria-label="Search nodes" data-testid="palette-search"
          onChange={(e) => setWords(e.target.value)} onKeyDown={onSearchKey} />
      </label>
      <div className="awe-palette-list awe-scroll">
        {groups.map(([category, members]) => (
          <section key={category} aria-label={category}>
            <h2>{category}</h2>
            {members.map((card) => (
              <button key={card.type} type="button" className="awe-type" data-testid={`palette-${card.type}`} draggable
                onDragStart={(e) => startDrag(e, card)} onClick={() => add(card)} title={card.description}
                aria-label={`Add ${card.title}: ${card.description}`}>
                <TypeIcon card={card} />
                <span className="awe-type-title">{card.title}</span>
              </button>
            ))}
          </section>
        ))}
        {found.length ? null : <p className="awe-faint">No node type fits “{words}”.</p>}
      </div>
    </aside>
  );
}
