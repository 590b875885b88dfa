// Where one writes: messages, and commands with a list of what there is.

import { h, put } from "./dom.js";
import { icon } from "./icons.js";
import { store, toast } from "./live.js";
import { openMenu } from "./menu.js";
import { does } from "./places.js";

export function composer({ channel, thread, placeholder }) {
  const area = h("textarea", { rows: 1, placeholder, "aria-label": placeholder, autocomplete: "off", spellcheck: "false" });
  const hints = h("ul", { class: "hints", role: "listbox", "aria-label": "Commands", hidden: true });
  let at = 0;

  const write = (text) => { area.value = text; area.focus(); grow(); suggest(); };
  const grow = () => { area.style.height = "auto"; area.style.height = `${Math.min(area.scrollHeight, 160)}px`; };

  const found = () => {
    const typed = area.value;
    if (thread || !typed.startsWith("/")) return [];
    for (const { command, usage_hint: usage = "", description } of store.app.commands) {
      if (command.startsWith(typed)) return [{ label: command, words: `${command} `, description: `${description}. ${usage}` }];
      if (!typed.startsWith(`${command} `) || typed.includes("\n")) continue;
      const rest = typed.slice(command.length + 1);
      return usage.split("|").map((one) => one.trim()).filter((one) => one.split(" ")[0].startsWith(rest) && one.split(" ")[0] !== rest)
        .map((one) => ({ label: `${command} ${one}`, words: `${command} ${one.split(" ")[0]}${one.includes(" ") ? " " : ""}`, description: "" }));
    }
    return [];
  };
  const suggest = () => {
    const list = found();
    hints.hidden = list.length === 0;
    at = Math.min(at, Math.max(0, list.length - 1));
    put(hints, list.map((hint, place) => h("li", {
      role: "option", "aria-selected": place === at ? "true" : "false", onmousedown: (event) => { event.preventDefault(); write(hint.words); },
    }, h("b", {}, hint.label), hint.description && h("small", {}, hint.description))));
    return list;
  };
  const sendIt = async () => {
    const text = area.value.trim();
    if (!text) return;
    area.value = "";
    grow();
    suggest();
    const answer = thread || !text.startsWith("/")
      ? await does({ act: "say", channel, text, thread })
      : await does({ act: "command", channel, text });
    if (answer.error) write(text);
  };
  area.addEventListener("input", () => { at = 0; grow(); suggest(); });
  area.addEventListener("blur", () => { hints.hidden = true; });
  area.addEventListener("focus", suggest);
  area.addEventListener("keydown", (event) => {
    const list = hints.hidden ? [] : found();
    if (list.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + list.length) % list.length;
      suggest();
    } else if (list.length && event.key === "Tab") { event.preventDefault(); write(list[at].words); }
    else if (event.key === "Escape") { hints.hidden = true; }
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (list.length && !store.app.commands.some(({ command }) => area.value.startsWith(`${command} `))) write(list[at].words);
      else sendIt();
    }
  });

  const shortcuts = h("button", {
    type: "button", class: "quiet", title: "Shortcuts and commands", "aria-label": "Shortcuts and commands",
    onclick: () => openMenu(shortcuts, {
      search: false,
      entries: [
        ...store.app.shortcuts.map((one) => ({ label: one.name, description: one.description, value: `s ${one.callback_id}` })),
        ...store.app.commands.map((one) => ({ label: one.command, description: one.description, value: `c ${one.command} ` })),
      ],
      onPick: ({ value }) => value.startsWith("s ") ? does({ act: "shortcut", callback_id: value.slice(2) }) : write(value.slice(2)),
    }),
  }, icon("bolt"));
  const button = h("button", { type: "button", class: "primary send", "aria-label": "Send", title: "Send", onclick: sendIt }, icon("send"));
  return h("div", { class: "composer" }, hints, h("div", { class: "composer-box" }, area, h("div", { class: "composer-tools" }, thread ? null : shortcuts, h("span", { class: "composer-note" }, thread ? "" : "Type / for commands"), button)));
}

export function closedComposer(words) {
  return h("div", { class: "composer closed" }, words);
}

export function drawNotices(seen) {
  const notices = store.notices ?? [];
  notices.slice(seen).forEach((words) => toast(`Slackbot: ${words}`, "bad"));
  return notices.length;
}
