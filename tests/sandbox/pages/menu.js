// A menu that opens beside what was pressed: searched by typing, walked with the arrow keys.

import { h, put } from "./dom.js";

let close = () => {};

export const closeMenu = () => close();

// entries: [{label, description, value, group, url}], or load(query) that brings them.
export function openMenu(anchor, { entries, load, least = 0, picked = [], multiple = false, search, onPick, onDone, empty = "Nothing fits." }) {
  close();
  const list = h("ul", { role: "listbox", class: "menu-list" });
  const searched = search ?? (load !== undefined || (entries?.length ?? 0) > 8);
  const field = searched && h("input", { type: "search", class: "menu-search", placeholder: "Search", "aria-label": "Search" });
  const box = h("div", { class: "menu", popover: "manual" }, field, list);
  const chosen = new Set(picked);
  let shown = [];
  let at = 0;

  (anchor.closest("dialog") ?? document.body).append(box);
  box.showPopover();
  anchor.setAttribute("aria-expanded", "true");

  const leave = (refocus) => {
    close = () => {};
    document.removeEventListener("pointerdown", outside, true);
    removeEventListener("resize", leave);
    box.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (refocus === true) anchor.focus();
    if (multiple) onDone?.([...chosen]);
  };
  const outside = (event) => { if (!box.contains(event.target) && !anchor.contains(event.target)) leave(); };
  close = leave;
  document.addEventListener("pointerdown", outside, true);
  addEventListener("resize", leave);

  const pick = (entry) => {
    if (!multiple) { leave(true); onPick(entry); return; }
    if (!chosen.delete(entry.value)) chosen.add(entry.value);
    draw();
  };

  const draw = () => {
    let group = null;
    put(list, shown.length === 0 && h("li", { class: "menu-empty" }, empty), shown.flatMap((entry, place) => {
      const head = entry.group && entry.group !== group && h("li", { class: "menu-group", role: "presentation" }, entry.group);
      group = entry.group;
      return [head, h("li", {
        role: "option",
        class: place === at ? "at" : "",
        "aria-selected": chosen.has(entry.value) ? "true" : "false",
        onpointermove: () => { if (at !== place) { at = place; mark(); } },
        onclick: () => pick(entry),
      }, h("span", {}, entry.label), entry.description && h("small", {}, entry.description))];
    }));
  };
  const mark = () => {
    [...list.querySelectorAll("[role=option]")].forEach((option, place) => option.classList.toggle("at", place === at));
    list.querySelector(".at")?.scrollIntoView({ block: "nearest" });
  };
  const find = async (query) => {
    if (load && query.length < least) { shown = []; draw(); return; }
    const words = query.toLowerCase();
    shown = load ? await load(query) : entries.filter((entry) => `${entry.label} ${entry.description ?? ""}`.toLowerCase().includes(words));
    at = Math.max(0, shown.findIndex((entry) => chosen.has(entry.value)));
    draw();
    place(anchor, box);
  };
  const key = (event) => {
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); leave(true); }
    else if (event.key === "Tab") leave();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % Math.max(1, shown.length);
      mark();
    } else if (event.key === "Enter" || (event.key === " " && !field)) {
      event.preventDefault();
      if (shown[at]) pick(shown[at]);
    }
  };
  box.addEventListener("keydown", key);
  let wait = 0;
  if (field) field.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(() => find(field.value), load ? 150 : 0); });
  find("").then(() => { if (field) field.focus(); else { box.tabIndex = -1; box.focus(); } });
}

function place(anchor, box) {
  const from = anchor.getBoundingClientRect();
  box.style.minWidth = `${Math.min(Math.max(from.width, 180), innerWidth - 16)}px`;
  const wide = box.offsetWidth;
  const tall = box.offsetHeight;
  box.style.left = `${Math.max(8, Math.min(from.left, innerWidth - wide - 8))}px`;
  const below = from.bottom + 4;
  box.style.top = below + tall < innerHeight ? `${below}px` : `${Math.max(8, from.top - tall - 4)}px`;
}
