/* What a chat needs of the browser: a box that grows and sends on Enter, and a list that stays at its end. */
import { createElement, useEffect, useLayoutEffect, useRef } from "react";

const TALLEST = 200;

/* Props: name, label, placeholder, draft ({text, turn}: what the box holds when a new turn comes), busy.
   Enter sends the form around it, Shift+Enter begins a new line; an Enter that picks a word of an input method does
   neither. While busy one may write, not send. */
export function ChatBox({ name, label, placeholder, draft, busy, ...rest }) {
  const box = useRef(null);
  const grow = () => {
    box.current.style.height = "auto";
    box.current.style.height = `${Math.min(TALLEST, box.current.scrollHeight + 2)}px`;
  };
  useLayoutEffect(() => {
    box.current.value = draft?.text ?? "";
    grow();
    if (window.matchMedia("(hover: hover)").matches) box.current.focus();
  }, [draft?.turn]);
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    if (!busy && box.current.value.trim()) box.current.form?.requestSubmit();
  };
  return createElement("textarea", {
    ...rest, ref: box, name, "aria-label": label, placeholder, rows: 1, onInput: grow, onKeyDown, className: "chat-box", enterKeyHint: "send",
  });
}

/* Props: turn (a change of it goes to the end), children. Keeps the end in sight while what is in it grows, unless
   somebody has scrolled up to read. */
export function StayAtEnd({ turn, children, ...rest }) {
  const outer = useRef(null);
  const inner = useRef(null);
  const atEnd = useRef(true);
  const toEnd = () => {
    if (outer.current && atEnd.current) outer.current.scrollTop = outer.current.scrollHeight;
  };
  useEffect(() => {
    const watch = new ResizeObserver(toEnd);
    watch.observe(inner.current);
    watch.observe(outer.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    atEnd.current = true;
    toEnd();
  }, [turn]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = outer.current;
    atEnd.current = scrollHeight - scrollTop - clientHeight < 40;
  };
  return createElement("div", { ...rest, ref: outer, onScroll, className: "chat-scroll", tabIndex: 0 }, createElement("div", { ref: inner, className: "chat-column" }, children));
}
