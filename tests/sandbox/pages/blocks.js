// Blocks become what a reader sees. A kind that is not in these tables is said aloud, never left out.

import { h } from "./dom.js";
import { ELEMENTS } from "./elements.js";
import { emoji } from "./emoji.js";
import { icon } from "./icons.js";
import { store, trouble } from "./live.js";
import { channel, group, link, markdown, mrkdwn, person, plain, words } from "./mrkdwn.js";

export const TEXTS = { plain_text: plain, mrkdwn: (text) => mrkdwn(text.text) };

export const BLOCKS = {
  section: (block, place) => h("div", { class: "b-section" },
    h("div", { class: "b-section-text" },
      block.text && h("div", { class: "b-text" }, words(block.text)),
      block.fields && h("div", { class: "b-fields" }, block.fields.map((field) => h("div", { class: "b-text" }, words(field))))),
    block.accessory && h("div", { class: "b-accessory" }, element(block, block.accessory, place))),
  header: (block) => h("h3", { class: "b-header" }, words(block.text)),
  context: (block, place) => h("div", { class: "b-context" }, block.elements.map((each) =>
    each.type in TEXTS ? h("span", { class: "b-text" }, words(each)) : element(block, each, place))),
  actions: (block, place) => h("div", { class: "b-actions" }, block.elements.map((each) => element(block, each, place))),
  divider: () => h("hr", { class: "b-divider" }),
  image: (block) => h("figure", { class: "b-image" },
    block.title && h("figcaption", {}, words(block.title)), picture(block, "b-picture")),
  input: (block, place) => input(block, place),
  alert: (block) => h("div", { class: `b-alert ${block.level ?? "default"}`, role: "note" },
    h("span", { class: "b-alert-level" }, { default: "Note", info: "Info", warning: "Warning", error: "Error", success: "Done" }[block.level ?? "default"]),
    h("div", { class: "b-text" }, words(block.text))),
  markdown: (block) => h("div", { class: "b-text b-markdown" }, markdown(block.text)),
  rich_text: (block) => h("div", { class: "b-text b-rich" }, block.elements.map(rich)),
  table: (block) => table(block),
};

export const RICH = {
  rich_text_section: (part) => h("div", {}, part.elements.map(inline)),
  rich_text_quote: (part) => h("blockquote", {}, part.elements.map(inline)),
  rich_text_preformatted: (part) => h("pre", {}, part.elements.map(inline)),
  rich_text_list: (part) => h(part.style === "ordered" ? "ol" : "ul", {}, part.elements.map((item) => h("li", {}, item.elements.map(inline)))),
};

export const INLINE = {
  text: (piece) => piece.text,
  link: (piece) => link(piece.url, piece.text),
  user: (piece) => person(piece.user_id),
  usergroup: (piece) => group(piece.usergroup_id),
  channel: (piece) => channel(piece.channel_id),
  emoji: (piece) => emoji(piece.name),
};

export const CELLS = {
  raw_text: (cell) => [cell.text],
  rich_text: (cell) => cell.elements.map(rich),
};

export function draw(blocks, place) {
  return blocks.map((block) => known(BLOCKS, block, "block", (make) => {
    const node = make(block, place);
    node.dataset.block = block.block_id ?? "";
    return node;
  }));
}

export function element(block, part, place) {
  return known(ELEMENTS, part, "element", (make) => make(block, part, place));
}

export function picture(part, kind) {
  const id = part.slack_file?.id ?? Object.values(store.files ?? {}).find((file) => part.slack_file?.url?.includes(file.id))?.id;
  const file = id && store.files?.[id];
  const address = part.slack_file ? file && `/slack/file/${id}/${encodeURIComponent(file.name)}?show=1&as=${new URLSearchParams(location.search).get("as") ?? "operator"}` : part.image_url;
  const lost = () => h("span", { class: "b-no-picture", role: "img", "aria-label": part.alt_text }, icon("picture"), ` ${part.alt_text}`);
  if (!address) return lost();
  const shown = h("img", { src: address, alt: part.alt_text, title: part.alt_text, class: kind, loading: "lazy" });
  // A picture from elsewhere is not fetched by this page; its words stand in its place.
  shown.addEventListener("error", () => shown.replaceWith(lost()));
  return shown;
}

function rich(part) {
  return known(RICH, part, "rich text", (make) => make(part));
}

function inline(piece) {
  return known(INLINE, piece, "rich text", (make) => {
    let node = make(piece);
    const style = piece.style ?? {};
    for (const [name, tag] of [["bold", "b"], ["italic", "i"], ["strike", "s"], ["code", "code"]]) {
      if (style[name]) node = h(tag, {}, node);
    }
    return node;
  });
}

function known(table, part, what, make) {
  if (!Object.hasOwn(table, part.type)) return trouble(`${what} ${part.type}`);
  try {
    return make(table[part.type]);
  } catch (error) {
    return trouble(`${what} ${part.type}: ${error.message}`);
  }
}

function input(block, place) {
  const label = words(block.label);
  const error = place.errors?.[label.join("")];
  const id = `in-${place.view ?? ""}-${block.block_id}`;
  return h("div", { class: `b-input ${error ? "wrong" : ""}` },
    h("label", { for: id, id: `${id}-label` }, label, block.optional && h("span", { class: "optional" }, " (optional)")),
    element(block, block.element, { ...place, id, dispatch: Boolean(block.dispatch_action) }),
    error && h("p", { class: "b-error", role: "alert" }, h("span", { "aria-hidden": "true" }, "⚠ "), error),
    block.hint && h("p", { class: "b-hint" }, words(block.hint)));
}

function table(block) {
  const settings = block.column_settings ?? [];
  const cells = (row, tag) => row.map((cell, column) => h(tag, {
    class: `${settings[column]?.align ?? "left"} ${settings[column]?.is_wrapped ? "wrapped" : ""}`,
  }, known(CELLS, cell, "cell", (make) => h("span", {}, make(cell)))));
  const [head, ...rows] = block.rows;
  return h("div", { class: "b-table" }, h("table", {}, h("thead", {}, h("tr", {}, cells(head, "th"))), h("tbody", {}, rows.map((row) => h("tr", {}, cells(row, "td"))))));
}
