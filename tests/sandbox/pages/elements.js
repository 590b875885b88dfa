// What one can press, pick or fill in. `place` says where it stands and sends what is done.

import { ask } from "./dialog.js";
import { h, put, size } from "./dom.js";
import { icon } from "./icons.js";
import { store } from "./live.js";
import { openMenu } from "./menu.js";
import { picture } from "./blocks.js";
import { standIn, words } from "./mrkdwn.js";
import { localValue, momentOf } from "./times.js";

const shown = (text) => words(text).map((part) => part.textContent ?? part).join("");

export const ELEMENTS = {
  button: (block, part, place) => {
    const label = part.accessibility_label ?? shown(part.text);
    return h("button", {
      type: "button", class: part.style ?? "", "aria-label": label === shown(part.text) ? null : label,
      onclick: (event) => confirmed(part, async () => {
        if (part.url) open_link(part.url);
        await busy(event.target, () => place.press(block, part));
      }),
    }, words(part.text));
  },
  image: (_, part) => picture(part, "b-small-picture"),
  overflow: (block, part, place) => h("button", {
    type: "button", class: "overflow", "aria-label": "More actions", "aria-haspopup": "listbox",
    onclick: (event) => openMenu(event.target, {
      entries: part.options.map(entry), search: false,
      onPick: (picked) => confirmed(part, () => {
        if (picked.url) open_link(picked.url);
        return place.press(block, part, picked.value);
      }),
    }),
  }, icon("more")),
  static_select: (block, part, place) => select(block, part, place, { entries: options(part) }),
  external_select: (block, part, place) => select(block, part, place, {
    load: async (typed) => (await place.suggest(block, part, typed)).flatMap((each) => each.options ? each.options.map((one) => entry(one, shown(each.label))) : [entry(each)]),
    least: part.min_query_length ?? 3,
    empty: `Type ${part.min_query_length ?? 3} letters or more.`,
  }),
  users_select: (block, part, place) => select(block, part, place, { entries: people(), key: "selected_user" }),
  channels_select: (block, part, place) => select(block, part, place, { entries: channels(), key: "selected_channel" }),
  conversations_select: (block, part, place) => select(block, part, place, { entries: conversations(part), key: "selected_conversation" }),
  multi_static_select: (block, part, place) => several(block, part, place, { entries: options(part) }),
  multi_users_select: (block, part, place) => several(block, part, place, { entries: people(), key: "selected_users" }),
  datepicker: (block, part, place) => native(block, part, place, "date", "selected_date"),
  timepicker: (block, part, place) => native(block, part, place, "time", "selected_time"),
  datetimepicker: (block, part, place) => {
    const at = place.value(block, part)?.selected_date_time;
    return field(block, part, place, h("input", { type: "datetime-local", value: at ? localValue(new Date(at * 1000)) : "" }),
      (input) => input.value ? Math.floor(momentOf(input.value).getTime() / 1000) : null);
  },
  checkboxes: (block, part, place) => choices(block, part, place, "checkbox"),
  radio_buttons: (block, part, place) => choices(block, part, place, "radio"),
  plain_text_input: (block, part, place) => text(block, part, place, part.multiline ? h("textarea", { rows: 4 }) : h("input", { type: "text" })),
  email_text_input: (block, part, place) => text(block, part, place, h("input", { type: "email" })),
  url_text_input: (block, part, place) => text(block, part, place, h("input", { type: "url" })),
  number_input: (block, part, place) => text(block, part, place, h("input", { type: "number", step: part.is_decimal_allowed ? "any" : "1", min: part.min_value, max: part.max_value })),
  file_input: (block, part, place) => files(block, part, place),
};

async function confirmed(part, go) {
  const dialog = part.confirm;
  if (dialog && !(await ask({ title: shown(dialog.title), body: h("div", { class: "b-text" }, words(dialog.text)), yes: shown(dialog.confirm), no: shown(dialog.deny), danger: dialog.style === "danger" }))) return false;
  await go();
  return true;
}

function open_link(url) {
  const portal = standIn(url);
  if (portal) window.open(portal.href, portal.page);
  else if (/^https?:/.test(url)) window.open(url, "_blank", "noreferrer");
}

async function busy(button, go) {
  button.classList.add("busy");
  try {
    await go();
  } finally {
    button.classList.remove("busy");
  }
}

const entry = (option, group) => ({ label: shown(option.text), description: option.description && shown(option.description), value: option.value, url: option.url, group: typeof group === "string" ? group : undefined });
const options = (part) => part.option_groups ? part.option_groups.flatMap((each) => each.options.map((one) => entry(one, shown(each.label)))) : part.options.map((one) => entry(one));
const people = () => Object.entries(store.names.people).filter(([, one]) => !one.gone && !one.app).map(([id, one]) => ({ label: one.name, value: id }));
const channels = () => Object.entries(store.names.channels).map(([id, name]) => ({ label: `# ${name}`, value: id }));

function conversations(part) {
  const kinds = part.filter?.include ?? ["public", "private", "im", "mpim"];
  return [...(kinds.includes("public") || kinds.includes("private") ? channels() : []), ...(kinds.includes("im") ? people() : [])];
}

// Sends a change where the app wants to hear of it, else keeps it until the form is sent.
function changed(block, part, place, given) {
  const reports = place.view === undefined || (block.type === "input" ? place.dispatch : true);
  if (!reports) { place.keep(block, part, given); return undefined; }
  return confirmed(part, () => place.change(block, part, given)).then((sent) => { if (!sent) place.again(); });
}

const text_of = (option) => option && shown(option.text);

function select(block, part, place, { entries, load, least, empty, key = "selected_option" }) {
  const given = place.value(block, part)?.[key];
  const label = key === "selected_option" ? text_of(given) : entries?.find((one) => one.value === given)?.label;
  const words_in = h("span", { class: given ? "" : "placeholder" }, label ?? given ?? (part.placeholder ? shown(part.placeholder) : "Select an item"));
  const button = h("button", {
    type: "button", class: "select", id: place.id, "aria-haspopup": "listbox", "aria-expanded": "false", "aria-labelledby": place.id && `${place.id}-label ${place.id}`,
    onclick: () => openMenu(button, {
      entries, load, least, empty, picked: [key === "selected_option" ? place.value(block, part)?.[key]?.value : place.value(block, part)?.[key]],
      onPick: (picked) => { words_in.textContent = picked.label; words_in.className = ""; changed(block, part, place, picked.value); },
    }),
  }, words_in, h("span", { class: "caret", "aria-hidden": "true" }, "▾"));
  return button;
}

function several(block, part, place, { entries, key = "selected_options" }) {
  const values = () => (place.value(block, part)?.[key] ?? []).map((one) => one.value ?? one);
  const label = (chosen) => chosen.map((value) => entries.find((one) => one.value === value)?.label ?? value).join(", ");
  const words_in = h("span", { class: values().length ? "" : "placeholder" }, label(values()) || (part.placeholder ? shown(part.placeholder) : "Select items"));
  let kept = values();
  const button = h("button", {
    type: "button", class: "select", id: place.id, "aria-haspopup": "listbox", "aria-labelledby": place.id && `${place.id}-label ${place.id}`,
    onclick: () => openMenu(button, {
      entries, multiple: true, picked: kept,
      onDone: (chosen) => { kept = chosen; words_in.textContent = label(chosen) || "Select items"; words_in.className = chosen.length ? "" : "placeholder"; changed(block, part, place, chosen); },
    }),
  }, words_in, h("span", { class: "caret", "aria-hidden": "true" }, "▾"));
  return button;
}

function field(block, part, place, input, given) {
  if (place.id) input.id = place.id;
  else input.setAttribute("aria-label", part.placeholder ? shown(part.placeholder) : part.action_id);
  if (part.focus_on_load) input.autofocus = true;
  input.addEventListener("change", () => changed(block, part, place, given(input)));
  input.addEventListener("input", () => place.view !== undefined && place.keep(block, part, given(input)));
  return input;
}

function native(block, part, place, type, key) {
  return field(block, part, place, h("input", { type, value: place.value(block, part)?.[key] ?? "" }), (input) => input.value || null);
}

function text(block, part, place, input) {
  input.value = place.value(block, part)?.value ?? "";
  if (part.placeholder) input.placeholder = shown(part.placeholder);
  if (part.max_length) input.maxLength = part.max_length;
  input.autocomplete = "off";
  return field(block, part, place, input, (each) => each.value);
}

function choices(block, part, place, type) {
  const name = `${place.view ?? place.ts}-${block.block_id}-${part.action_id}`;
  const value = place.value(block, part) ?? {};
  const picked = new Set([...(value.selected_options ?? []), ...(value.selected_option ? [value.selected_option] : [])].map((one) => one.value));
  const box = h("div", { class: "choices", role: type === "radio" ? "radiogroup" : "group", id: place.id, "aria-labelledby": place.id && `${place.id}-label` });
  const given = () => {
    const values = [...box.querySelectorAll("input:checked")].map((one) => one.value);
    return type === "radio" ? values[0] ?? null : values;
  };
  put(box, part.options.map((option) => h("label", { class: "choice" },
    h("input", { type, name, value: option.value, checked: picked.has(option.value), onchange: () => changed(block, part, place, given()) }),
    h("span", {}, words(option.text), option.description && h("small", {}, words(option.description))))));
  return box;
}

function files(block, part, place) {
  const there = place.value(block, part)?.files ?? [];
  const most = part.max_files ?? 10;
  const accept = part.filetypes?.map((kind) => `.${kind}`).join(",");
  const chooser = h("input", {
    type: "file", id: place.id, accept, multiple: most > 1, class: "file-chooser",
    onchange: async () => { for (const file of chooser.files) await place.upload(block, part, file); chooser.value = ""; },
  });
  return h("div", {
    class: "files-in",
    ondragover: (event) => { event.preventDefault(); event.currentTarget.classList.add("over"); },
    ondragleave: (event) => event.currentTarget.classList.remove("over"),
    ondrop: async (event) => { event.preventDefault(); for (const file of event.dataTransfer.files) await place.upload(block, part, file); },
  },
  there.map((file) => h("div", { class: "file-in" }, icon("file"), h("span", {}, file.name), h("small", {}, size(file.size)),
    h("button", { type: "button", class: "quiet", "aria-label": `Remove ${file.name}`, onclick: () => place.put(block, part, there.filter((one) => one !== file).map((one) => one.id)) }, "✕"))),
  there.length < most && h("div", { class: "file-drop" }, chooser, h("label", { for: place.id, class: "button" }, "Add file"), h("span", {}, " or drop it here")));
}
