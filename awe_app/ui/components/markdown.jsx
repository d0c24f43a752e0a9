/* Markdown by models and strangers, drawn so that it can do nothing: raw HTML is shown as the text it is, addresses of
   scripts are dropped (both by react-markdown), pictures are links, since loading one would tell its server what the
   text was made to say. */
import { createElement, memo } from "react";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";

const plugins = [remarkGfm];

function away({ href, children, title }) {
  return createElement("a", { href, title: title ?? href, target: "_blank", rel: "noopener noreferrer nofollow" }, children);
}

/* Below the page's own headings. */
const heading = (tag) => ({ children }) => createElement(tag, null, children);

const components = {
  a: away,
  img: ({ src, alt }) => away({ href: src, children: `Picture: ${alt || src || "no address"}` }),
  h1: heading("h3"),
  h2: heading("h4"),
  h3: heading("h5"),
  h4: heading("h6"),
  h5: heading("h6"),
  pre: ({ children }) => createElement("pre", { tabIndex: 0 }, children),
  table: ({ children }) => createElement("div", { className: "markdown-table", tabIndex: 0 }, createElement("table", null, children)),
};

/* Prop: text. */
export const Markdown = memo(function Markdown({ text }) {
  return createElement("div", { className: "markdown" }, createElement(ReactMarkdown, { remarkPlugins: plugins, components }, text ?? ""));
});
