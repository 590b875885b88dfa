// The clock: the bot's time, and what is due when.

import { h, put } from "./dom.js";
import { drawFrame, frame } from "./frame.js";
import { act, live, store, toast } from "./live.js";
import { clock, full, localValue, longDay, momentOf, now, span } from "./times.js";

const SHOWN = 12;

frame("clock");
const hand = h("div", { class: "hand" });
const list = h("section", { class: "dues", "aria-label": "What is due" });
const day = h("input", { type: "datetime-local", "aria-label": "Date and time", required: true });
document.body.append(h("main", { class: "clock" },
  h("h1", {}, "The clock"),
  h("p", { class: "lead" }, "The bot, Slack and Apple go by this time. Move it, and watch in Slack what happens. It goes forward only."),
  hand,
  h("div", { class: "row" },
    h("button", { class: "primary", onclick: () => move({ by: 3600 }) }, "An hour on"),
    h("button", { class: "primary", onclick: () => move({ by: 86400 }) }, "A day on"),
    h("button", { class: "primary", onclick: () => move({ by: 604800 }) }, "A week on"),
    h("button", { class: "primary next-due", onclick: () => next() }, "To the next thing due")),
  h("form", { class: "row", onsubmit: (event) => { event.preventDefault(); move({ to: momentOf(day.value).toISOString() }); } }, day, h("button", {}, "To that time")),
  list));

live("clock", "operator", (names) => {
  drawFrame(names);
  if (names.has("time")) { draw(); if (!day.value) suggest(); }
});
setInterval(() => store.time && draw(), 1000);

const suggest = () => { day.value = localValue(new Date(now().getTime() + 86_400_000)); };

async function move(asked) {
  const answer = await act("/clock/act", asked);
  if (answer.error) return;
  store.time.ahead = answer.ahead;
  toast(`It is ${full(now())} now.`);
  suggest();
}

// A second later, so that it is past what was waited for.
const after = (due) => move({ to: new Date(new Date(due.at).getTime() + 1000).toISOString() });

function next() {
  const first = store.time.dues.find((due) => !due.routine);
  if (first) after(first);
  else toast("Nothing is due. Make a token first, or the lively organisation.");
}

let shown = "";
function draw() {
  const date = now();
  const moved = store.time.ahead >= 60;
  put(hand, h("time", { class: "big" }, clock(date)), h("div", {}, longDay(date)), h("small", {}, `Time zone ${store.time.zone}. `, moved ? `Moved on by ${span(store.time.ahead * 1000)}.` : "As on this machine."));
  const same = JSON.stringify([store.time.dues, Math.floor(date.getTime() / 60_000)]);
  if (same === shown) return;
  shown = same;
  const some = (due) => h("li", {},
    h("div", {}, h("b", {}, due.what), due.about && h("span", {}, ` · ${due.about}`), h("small", {}, `${full(new Date(due.at))}, in ${span(new Date(due.at) - date)}`)),
    h("button", { class: "small", onclick: () => after(due) }, "Go there"));
  const [looks, said] = [true, false].map((routine) => store.time.dues.filter((due) => due.routine === routine));
  put(list, h("h2", {}, "What is due"),
    h("ul", {}, said.slice(0, SHOWN).map(some)),
    said.length > SHOWN && h("p", { class: "lead" }, `And ${said.length - SHOWN} later.`),
    looks.length > 0 && h("h2", {}, "Routine looks"),
    looks.length > 0 && h("p", { class: "lead" }, "The bot says nothing about these as long as all is well."),
    h("ul", {}, looks.slice(0, SHOWN).map(some)));
}
