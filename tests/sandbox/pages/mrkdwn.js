// Slack's own mark-up becomes nodes: references, links, dates, bold, code, quotes.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { store } from "./live.js";
import { clock, day, dayWords, longDay, shortDay } from "./times.js";

const PORTALS = { "business.apple.com": "apple", "school.apple.com": "apple", "business.apple.com.": "apple", "intune.microsoft.com": "intune" };
const PIECES = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(?=\S)([^*\n]*?[^\s*])\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*?[^\s_])_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*?[^\s~])~(?![\w~])|:([a-z0-9_+-]+):/;

export const unescaped = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

export function words(text) {
  if (!text) return [];
  return text.type === "mrkdwn" ? mrkdwn(text.text) : plain(text);
}

export function plain(text) {
  const shown = unescaped(text.text);
  return [text.emoji === false ? shown : shown.replaceAll(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name))];
}

export function mrkdwn(text) {
  const nodes = [];
  let quote = [];
  const lines = [];
  const flush = () => {
    if (quote.length) nodes.push(h("blockquote", {}, inline(quote.join("\n"))));
    quote = [];
  };
  const say = () => {
    if (lines.length) nodes.push(...inline(lines.join("\n")));
    lines.length = 0;
  };
  // A code block may hold lines that look like quotes; it is taken whole.
  for (const part of text.split(/(```[\s\S]+?```)/)) {
    if (part.startsWith("```") && part.length > 6) { lines.push(part); continue; }
    const pieces = part.split("\n");
    pieces.forEach((line, place) => {
      const quoted = /^(&gt;|>) ?(.*)$/.exec(line);
      if (quoted) { say(); quote.push(quoted[2]); return; }
      flush();
      if (place === 0 && lines.length) lines[lines.length - 1] += line;
      else lines.push(line);
    });
  }
  say();
  flush();
  return nodes;
}

function inline(text) {
  const found = PIECES.exec(text);
  if (!found) return text ? [unescaped(text)] : [];
  const [whole, block, code, reference, bold, italic, struck, name] = found;
  const before = text.slice(0, found.index);
  return [...(before ? [unescaped(before)] : []), piece(), ...inline(text.slice(found.index + whole.length))];

  function piece() {
    if (block !== undefined) return h("pre", {}, unescaped(block.replace(/^\n/, "")));
    if (code !== undefined) return h("code", {}, unescaped(code));
    if (reference !== undefined) return refer(reference);
    if (bold !== undefined) return h("b", {}, inline(bold));
    if (italic !== undefined) return h("i", {}, inline(italic));
    if (struck !== undefined) return h("s", {}, inline(struck));
    return h("span", { class: "emoji", title: `:${name}:` }, emoji(name));
  }
}

function refer(text) {
  const [target, label] = split(text);
  if (target.startsWith("@")) return person(target.slice(1));
  if (target.startsWith("#")) return channel(target.slice(1));
  if (target.startsWith("!subteam^")) return group(target.slice(9));
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return h("span", { class: "mention" }, `@${label ?? target.slice(1)}`);
  return link(unescaped(target), label === undefined ? undefined : unescaped(label));
}

function split(text) {
  const bar = text.indexOf("|");
  return bar < 0 ? [text, undefined] : [text.slice(0, bar), text.slice(bar + 1)];
}

export function person(id) {
  const known = store.names?.people[id];
  return h("span", { class: `mention ${id === store.names?.me ? "me" : ""}` }, `@${known?.name ?? id}`);
}

export function group(id) {
  return h("span", { class: "mention" }, `@${store.names?.groups[id] ?? id}`);
}

export function channel(id) {
  return h("a", { class: "mention", href: `#${id}` }, `#${store.names?.channels[id] ?? id}`);
}

// The page that stands in for a portal, each in a tab of its own.
export function standIn(url) {
  const page = URL.canParse(url) ? PORTALS[new URL(url).hostname] : null;
  return page ? { page, href: `/${page}${location.search}`, name: page[0].toUpperCase() + page.slice(1) } : null;
}

// Links to the portals lead to their stand-ins, links into Slack stay on this page.
export function link(url, label) {
  const shown = label ?? url;
  const address = URL.canParse(url) ? new URL(url) : null;
  if (!address || !["http:", "https:", "mailto:"].includes(address.protocol)) return h("span", {}, shown);
  const file = /^\/files\/\w+\/(F\w+)\//.exec(address.pathname);
  if (file) return h("a", { href: `#file/${file[1]}`, data: { file: file[1] } }, shown);
  const message = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(address.pathname);
  if (message && address.hostname.endsWith(".slack.com")) return h("a", { href: `#${message[1]}/${message[2]}.${message[3]}` }, shown);
  const portal = standIn(url);
  if (portal) return h("a", { href: portal.href, target: portal.page, title: `In this demo the portal is the page ${portal.name}` }, shown);
  return h("a", { href: url, target: "_blank", rel: "noreferrer" }, shown);
}

function date(target, fallback) {
  const [, seconds, form, url] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return h("span", {}, fallback ?? target);
  const parts = {
    date: day(at), date_num: at.toISOString().slice(0, 10), date_long: longDay(at), date_short: shortDay(at),
    date_pretty: dayWords(at), date_long_pretty: dayWords(at), date_short_pretty: dayWords(at),
    time: clock(at), time_secs: clock(at), ago: day(at),
  };
  const shown = form.replaceAll(/\{(\w+)\}/g, (whole, name) => parts[name] ?? whole);
  return url ? link(url, shown) : h("time", { datetime: at.toISOString() }, shown);
}

// The block `markdown`: headings, lists, bold, italic, code and links of ordinary Markdown.
export function markdown(text) {
  const nodes = [];
  let list = null;
  for (const part of text.split(/(```[\s\S]*?```)/)) {
    if (part.startsWith("```")) { nodes.push(h("pre", {}, part.slice(3, -3).replace(/^\w*\n/, ""))); list = null; continue; }
    for (const line of part.split("\n")) {
      const item = /^\s*([-*]|\d+\.) (.*)$/.exec(line);
      const heading = /^(#{1,6}) (.*)$/.exec(line);
      if (item) {
        if (!list) { list = h(/\d/.test(item[1]) ? "ol" : "ul"); nodes.push(list); }
        list.append(h("li", {}, ordinary(item[2])));
        continue;
      }
      list = null;
      if (heading) nodes.push(h("strong", { class: "md-heading" }, ordinary(heading[2])));
      else if (line.startsWith("> ")) nodes.push(h("blockquote", {}, ordinary(line.slice(2))));
      else if (line.trim()) nodes.push(h("p", {}, ordinary(line)));
    }
  }
  return nodes;
}

function ordinary(text) {
  const found = /\*\*(.+?)\*\*|\*(.+?)\*|_(.+?)_|`(.+?)`|\[([^\]]+)\]\(([^)\s]+)\)/.exec(text);
  if (!found) return text ? [text] : [];
  const [whole, bold, italic, italic2, code, label, url] = found;
  const node = bold ? h("b", {}, ordinary(bold)) : italic ?? italic2 ? h("i", {}, ordinary(italic ?? italic2)) : code ? h("code", {}, code) : link(url, label);
  return [text.slice(0, found.index), node, ...ordinary(text.slice(found.index + whole.length))];
}
