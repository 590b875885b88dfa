// The modals: the one on top is shown, with what stands in its inputs and what is wrong with them.

import { draw } from "./blocks.js";
import { h, put } from "./dom.js";
import { icon } from "./icons.js";
import { closeMenu } from "./menu.js";
import { store } from "./live.js";
import { does, forget, viewPlace } from "./places.js";

let shown = "";
let box = null;

export function drawViews() {
  // While the people of the lively organisation act, their forms are not this reader's.
  const stack = store.lively?.busy ? [] : store.views ?? [];
  forget(new Set([...stack.map((view) => view.id), store.home?.id]));
  const top = stack.at(-1);
  if (!top) {
    shown = "";
    if (box) { closeMenu(); box.close(); box.remove(); box = null; }
    return;
  }
  const files = Object.values(top.values).flatMap((block) => Object.values(block)).filter((value) => value.type === "file_input");
  const same = JSON.stringify([top.id, top.hash, top.errors, files, stack.length]);
  if (same === shown) return;
  const isNew = !shown.startsWith(JSON.stringify([top.id]).slice(0, -1));
  shown = same;
  if (!box) {
    box = h("dialog", { class: "modal", oncancel: (event) => { event.preventDefault(); away(); } });
    document.body.append(box);
    box.showModal();
  }
  const scrolled = isNew ? 0 : box.querySelector(".modal-body")?.scrollTop ?? 0;
  const focused = isNew ? null : document.activeElement?.id;
  closeMenu();
  fill(top, stack.length);
  box.querySelector(".modal-body").scrollTop = scrolled;
  const wrong = box.querySelector(".wrong");
  if (wrong && Object.keys(top.errors).length) { wrong.scrollIntoView({ block: "center" }); wrong.querySelector("input, textarea, button")?.focus(); }
  else if (focused) box.querySelector(`#${CSS.escape(focused)}`)?.focus();
  else if (isNew) (box.querySelector(".modal-body [autofocus], .modal-body input:not([type=file]), .modal-body textarea") ?? box.querySelector("footer button"))?.focus();
}

function again() {
  shown = "";
  drawViews();
}

function away() {
  const top = store.views.at(-1);
  if (top) does({ act: "close", view: top.id });
}

function fill(view, deep) {
  const place = viewPlace(view, again);
  const whole = view.errors[""];
  const submit = async (event) => {
    event?.preventDefault();
    const button = box.querySelector("button.submit");
    if (!button || button.disabled) return;
    button.disabled = true;
    button.classList.add("busy");
    await place.submit();
    button.disabled = view.submit_disabled;
    button.classList.remove("busy");
  };
  box.setAttribute("aria-label", view.title);
  put(box, h("form", { class: "modal-form", novalidate: true, onsubmit: submit },
    h("header", {},
      deep > 1 && h("button", { type: "button", class: "quiet", "aria-label": "Back", onclick: away }, "‹"),
      h("span", { class: "avatar app small" }, icon("ticket")),
      h("h2", {}, view.title),
      h("button", { type: "button", class: "quiet", "aria-label": "Close all", title: "Close all", onclick: () => does({ act: "close", view: view.id, all: true }) }, "✕")),
    h("div", { class: "modal-body" }, whole && h("p", { class: "b-error whole", role: "alert" }, whole), draw(view.blocks, place)),
    h("footer", {},
      h("button", { type: "button", onclick: away }, view.close),
      view.submit && h("button", { class: "primary submit", disabled: view.submit_disabled }, view.submit))));
}
