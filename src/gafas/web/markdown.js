/** The little Markdown that model cards are written in, as elements: nothing is taken for HTML. */

import { make } from "./drawing.js";

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

/** Return the blocks of a text: headings, paragraphs, lists and tables. */
export function renderMarkdown(text) {
  const blocks = text.replace(/<!--[^]*?-->/g, "").split(/\n\s*\n/);
  return blocks.flatMap((block) => (block.trim() ? renderBlock(block.trim()) : []));
}

function renderBlock(block) {
  const [, marks, title, rest] = block.match(/^(#{1,6}) (.*)\n?([^]*)$/) ?? [];
  if (marks) {
    const heading = make(`h${Math.min(6, marks.length)}`, { holds: renderInline(title) });
    return [heading, ...(rest.trim() ? renderBlock(rest.trim()) : [])];
  }
  const lines = block.split("\n");
  if (block.startsWith("```")) {
    const code = make("code", { text: lines.slice(1, -1).join("\n") });
    const around = make("pre", { holds: [code] });
    around.tabIndex = 0;
    return [around];
  }
  if (lines.every((line) => line.startsWith("|"))) return [renderTable(lines)];
  if (/^[-*] /.test(block)) return [renderList(block)];
  return [make("p", { holds: renderInline(lines.join(" ")) })];
}

function renderList(block) {
  const items = block.split(/\n?^[-*] /m).slice(1);
  const holds = items.map((item) => make("li", { holds: renderInline(item.replace(/\s+/g, " ")) }));
  return make("ul", { holds });
}

function renderTable(lines) {
  const rows = lines.map((line) => line.replace(/^\||\|\s*$/g, "").split("|"));
  const parts = rows.filter((row) => !row.every((cell) => /^\s*:?-+:?\s*$/.test(cell)));
  const [head, ...body] = parts.map((row, at) => renderRow(row, at ? "td" : "th"));
  const titled = head.textContent.trim() ? [make("thead", { holds: [head] })] : [];
  const table = make("table", { holds: [...titled, make("tbody", { holds: body })] });
  const around = make("div", { kind: "scroll", holds: [table] });
  around.tabIndex = 0; // the arrow keys scroll what is wider than the page
  return around;
}

function renderRow(cells, name) {
  const holds = cells.map((cell) => {
    const text = cell.trim();
    return make(text ? name : "td", { holds: renderInline(text) }); // no header without a word
  });
  return make("tr", { holds });
}

function renderInline(text) {
  const pieces = [];
  let last = 0;
  for (const found of text.matchAll(INLINE)) {
    pieces.push(text.slice(last, found.index), renderMark(found));
    last = found.index + found[0].length;
  }
  return [...pieces, text.slice(last)];
}

function renderMark([, code, strong, words, target]) {
  if (code) return make("code", { text: code });
  if (strong) return make("strong", { text: strong });
  if (!/^https:\/\//.test(target)) return words; // files of the repository are not served
  const link = make("a", { text: words });
  Object.assign(link, { href: target, rel: "noreferrer" });
  return link;
}
