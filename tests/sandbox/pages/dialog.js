// A question that has to be answered before anything happens.

import { h } from "./dom.js";

export function ask({ title, body, yes, no = "Cancel", danger = false }) {
  return new Promise((resolve) => {
    const done = (answer) => { box.close(); box.remove(); resolve(answer); };
    const box = h("dialog", { class: "ask", "aria-label": title, oncancel: (event) => { event.preventDefault(); done(false); } },
      h("h2", {}, title),
      h("div", { class: "ask-body" }, body),
      h("footer", {},
        h("button", { onclick: () => done(false) }, no),
        h("button", { class: danger ? "danger solid" : "primary", autofocus: true, onclick: () => done(true) }, yes)));
    document.body.append(box);
    box.showModal();
  });
}

// A small form in a dialog; `onYes` gets its values and says whether it may close.
export function form({ title, fields, yes, onYes, danger = false }) {
  const inputs = fields.map((field) => field.input);
  const box = h("dialog", { class: "ask", "aria-label": title },
    h("form", {
      method: "dialog",
      onsubmit: async (event) => {
        event.preventDefault();
        if (await onYes()) { box.close(); box.remove(); }
      },
    },
    h("h2", {}, title),
    h("div", { class: "ask-body" }, fields.map(({ label, input, hint }) => h("label", { class: "field" }, h("span", {}, label), input, hint && h("small", {}, hint)))),
    h("footer", {},
      h("button", { type: "button", onclick: () => { box.close(); box.remove(); } }, "Cancel"),
      h("button", { class: danger ? "danger solid" : "primary" }, yes))));
  document.body.append(box);
  box.showModal();
  inputs[0]?.focus();
}
