// A text field with a list below it: type to search, arrows and Enter choose, Escape leaves all as it was.

import {useEffect, useId, useLayoutEffect, useMemo, useRef, useState} from "react";
import {Icon} from "./icons.jsx";
import {asText, isExpression} from "./controls.jsx";

const SHOWN = 100; // options in the list at once; searching finds the others
const ROOM = 320;
const GAP = 4;

const same = (a, b) => a.toLowerCase() === b.toLowerCase();
const finds = (words, option) => {
  const text = [option.title, option.value, option.detail, ...(option.tags ?? [])].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
};

/** Where the list stands: below the field, or above it where there is more room. It is as wide, and moves along. */
function usePlace(control, open) {
  const [place, setPlace] = useState(null);
  useLayoutEffect(() => {
    if (!open) return undefined;
    const measure = () => {
      const box = control.current.getBoundingClientRect();
      const below = window.innerHeight - box.bottom - 2 * GAP;
      const above = box.top - 2 * GAP;
      const up = below < Math.min(ROOM, 200) && above > below;
      const vertical = up ? {bottom: window.innerHeight - box.top + GAP} : {top: box.bottom + GAP};
      setPlace({left: box.left, width: box.width, maxHeight: Math.min(ROOM, up ? above : below), ...vertical});
    };
    measure();
    window.addEventListener("resize", measure);
    document.addEventListener("scroll", measure, true);
    return () => {
      window.removeEventListener("resize", measure);
      document.removeEventListener("scroll", measure, true);
    };
  }, [control, open]);
  return place;
}

/**
 * `options` are {value, title, detail?, tags?}; `empty` is what no value means, as such an option without a value.
 * `free`: any text may stand there, ids and expressions for instance. `onClose` is told when the field is left.
 */
export function Combo({value, options, empty, free, onChoose, onOpen, onClose, common, label, placeholder, autoFocus}) {
  const [typed, setTyped] = useState(null); // null: nobody writes, the chosen option's title stands there
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const control = useRef(null);
  const list = useRef(null);
  const id = useId();
  const place = usePlace(control, open);
  const chosen = options.find((o) => o.value === value);
  const text = typed ?? chosen?.title ?? asText(value);

  const found = useMemo(() => {
    const words = (typed ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const all = words.length ? options.filter((o) => finds(words, o)) : options;
    const first = empty && !words.length ? [{...empty, value: ""}] : [];
    const own = free && words.length && !all.some((o) => same(o.value, typed.trim()) || same(o.title, typed.trim()))
      ? [{value: typed.trim(), title: `Use “${typed.trim()}”`}] : [];
    return {shown: [...first, ...all.slice(0, SHOWN), ...own], more: Math.max(0, all.length - SHOWN)};
  }, [typed, options, empty, free]);

  useEffect(() => { list.current?.children[at]?.scrollIntoView({block: "nearest"}); }, [at]);

  const show = () => {
    if (open) return;
    setOpen(true);
    setAt(found.shown.findIndex((o) => o.value === (value ?? "")));
    onOpen?.();
  };
  useEffect(() => {
    if (!autoFocus) return;
    control.current.focus();
    show();
  }, [autoFocus]);
  const put = (next) => {
    if (next !== (value ?? "")) onChoose(next === "" ? undefined : next);
  };
  const choose = (option) => {
    setTyped(null);
    setOpen(false);
    put(option.value);
  };
  const write = (next) => {
    show();
    setTyped(next);
    setAt(next.trim() ? 0 : -1);
    if (free && (isExpression(next) || options.some((o) => o.value === next))) put(next);
  };
  const leave = () => {
    setOpen(false);
    if (typed !== null) {
      const said = typed.trim();
      const meant = options.find((o) => o.value === said) ?? options.find((o) => same(o.title, said));
      setTyped(null);
      if (meant) put(meant.value);
      else if (said ? free : empty) put(said);
    }
    onClose?.();
  };
  const onKeyDown = (event) => {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    if (step) {
      if (open) setAt((now) => (now + step + found.shown.length) % Math.max(1, found.shown.length));
      else show();
    } else if (event.key === "Enter" && open && found.shown[at]) choose(found.shown[at]);
    else if (event.key === "Enter") leave();
    else if (event.key === "Escape" && (open || typed !== null)) {
      setTyped(null);
      setOpen(false);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className="awe-combo">
      <input {...common} ref={control} type="text" className="awe-control" value={text} placeholder={placeholder ?? empty?.title} spellCheck={false}
        role="combobox" aria-label={label} aria-expanded={open} aria-controls={`${id}-list`} aria-autocomplete="list" autoComplete="off"
        aria-activedescendant={open && at >= 0 ? `${id}-${at}` : undefined} data-expression={isExpression(text) || undefined}
        onChange={(e) => write(e.target.value)} onClick={show} onFocus={(e) => e.target.select()} onBlur={leave} onKeyDown={onKeyDown} />
      <Icon name="chevrons" size={14} />
      {open && place ? (
        <div className="awe-options" style={place} onMouseDown={(e) => e.preventDefault()}>
          <ul ref={list} id={`${id}-list`} role="listbox" aria-label={label ?? "Choices"}>
            {found.shown.map((option, i) => (
              <li key={`${option.value}:${i}`} id={`${id}-${i}`} role="option" aria-selected={i === at} data-chosen={option.value === (value ?? "") || undefined}
                data-value={option.value} onMouseMove={() => setAt(i)} onClick={() => choose(option)}>
                <Option option={option} />
              </li>
            ))}
          </ul>
          {found.shown.length ? null : <p className="awe-faint">{(typed ?? "").trim() ? `Nothing fits “${typed.trim()}”.` : "There is nothing to choose yet."}</p>}
          {found.more ? <p className="awe-faint">{found.more} more; type to search.</p> : null}
        </div>
      ) : null}
    </div>
  );
}

function Option({option}) {
  return (
    <>
      <span className="awe-option-head"><b>{option.title}</b>{(option.tags ?? []).map((tag) => <i key={tag}>{tag}</i>)}</span>
      {option.detail ? <span className="awe-option-detail">{option.detail}</span> : null}
    </>
  );
}
