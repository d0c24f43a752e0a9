/* Small parts that only the browser can do: times that age, a pulse that stops when nobody looks, a cookie watch. */
import { createElement, useEffect, useRef, useState } from "react";

const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

function ago(moment) {
  const seconds = (moment.getTime() - Date.now()) / 1000;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return "just now";
}

/* Prop: moment, ISO 8601 text. */
export function TimeAgo({ moment, ...rest }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 20000);
    return () => clearInterval(timer);
  }, []);
  const date = moment ? new Date(moment) : null;
  if (!date || Number.isNaN(date.getTime())) return createElement("span", rest, "–");
  return createElement("time", { ...rest, dateTime: moment, title: date.toLocaleString() }, ago(date));
}

/* Props: interval_ms (0 stops it), onPulse. Silent while the tab is hidden; pulses at once when it is shown again. */
export function Pulse({ intervalMs, onPulse }) {
  const callback = useRef(onPulse);
  callback.current = onPulse;
  useEffect(() => {
    if (!intervalMs) return undefined;
    const pulse = () => document.visibilityState === "visible" && callback.current?.();
    const timer = setInterval(pulse, intervalMs);
    document.addEventListener("visibilitychange", pulse);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", pulse);
    };
  }, [intervalMs]);
  return null;
}

function readCookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

/* Props: name, known (what the page believes), onChange(value). Looks when the tab is shown again: another tab may
   have renewed the tokens or signed out meanwhile. */
export function CookieWatch({ name, known, onChange }) {
  const latest = useRef({});
  latest.current = { known, onChange };
  useEffect(() => {
    const look = () => {
      if (document.visibilityState !== "visible") return;
      const value = readCookie(name);
      if (value !== latest.current.known) latest.current.onChange?.(value);
    };
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    return () => {
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  }, [name]);
  return null;
}
