// What stands around every page: where one is, the time, the first steps.

import { h, put } from "./dom.js";
import { act, store, toast } from "./live.js";
import { icon } from "./icons.js";
import { clock, now, shortDay } from "./times.js";

// A page that comes later takes its place here.
const PAGES = [["slack", "Slack"], ["apple", "Apple"], ["intune", "Intune"], ["clock", "Clock"], ["traffic", "Traffic"]];
const HIDDEN = "first-steps-hidden";

const STEPS = {
  ask: { title: "Ask for a token", page: "slack", as: "operator", words: "In Slack, as Olivia: type /enroll-token create in a channel, and fill in the form." },
  approve: { title: "Approve it", page: "slack", as: "approver", words: "In Slack, as Amir: press Approve in #it-approvals." },
  portal: { title: "Fetch it at Apple", page: "slack", as: "operator", words: "As Olivia, do what the steps in her messages from Enroll Token say. Their pages, Intune and Apple, stand in the bar above." },
  upload: { title: "Bring it back", page: "slack", as: "operator", words: "In Slack, as Olivia: press the button under your steps." },
};

let current = "";
let bar = null;
let chip = null;
let strip = null;

export function frame(page) {
  current = page;
  const links = PAGES.map(([key, words]) => h("a", { href: address(key), "aria-current": key === page && "page" }, words));
  chip = h("a", { class: "time-chip", href: address("clock"), title: "The bot's time: go to the clock" });
  bar = h("header", { class: "top" },
    h("span", { class: "brand" }, "enroll-token ", h("small", {}, "demo")),
    h("nav", { "aria-label": "Pages" }, links),
    h("span", { class: "lost-note", role: "status" }, "Not connected: is the demo still running?"),
    h("button", { class: "quiet steps-button", onclick: () => { localStorage.removeItem(HIDDEN); drawSteps(); } }, "First steps"),
    chip);
  strip = h("section", { class: "steps", "aria-label": "First steps" });
  document.body.prepend(bar, strip);
  setInterval(tick, 1000);
}

export function drawFrame(names) {
  if (names.has("time")) tick();
  if (names.has("steps") || names.has("lively")) drawSteps();
  if (names.has("troubles") && store.troubles.length) {
    document.body.dataset.troubles = store.troubles.length;
  }
}

function tick() {
  if (!store.time) return;
  const date = now();
  const moved = store.time.ahead >= 60;
  put(chip, icon("clock"), ` ${shortDay(date)}, ${clock(date)}`, moved && h("small", {}, " moved"));
}

// A link within the demo keeps whom one is, on the page where that matters.
export function address(page, part) {
  const as = part ?? new URLSearchParams(location.search).get("as");
  return as ? `/${page}?as=${as}` : `/${page}`;
}

function drawSteps() {
  if (!store.steps) return;
  const open = store.steps.findIndex((step) => !step.done);
  const hidden = localStorage.getItem(HIDDEN) === "yes";
  strip.hidden = hidden && !store.lively.now;
  bar.querySelector(".steps-button").hidden = !hidden;
  if (strip.hidden) return;
  const cards = store.steps.map((step, place) => card(step, place, place === open));
  put(strip,
    store.lively.now && h("p", { class: "making", role: "status" }, store.lively.busy ? [h("span", { class: "spinner" }), ` A lively organisation is being made. ${store.lively.now}`] : `The lively organisation was not made. ${store.lively.now}`),
    !hidden && h("ol", {}, cards, open < 0 && h("li", { class: "next all-done" }, h("div", {}, h("strong", {}, "What next?"), h("p", {}, "Move the clock and see what is due, or let something go wrong at Apple or in Intune.")))),
    !hidden && h("div", { class: "steps-more" },
      !store.lively.done && !store.lively.busy && h("button", { class: "small", onclick: lively }, "Make a lively organisation"),
      h("button", { class: "quiet small", "aria-label": "Hide the first steps", onclick: () => { localStorage.setItem(HIDDEN, "yes"); drawSteps(); } }, "Hide")));
}

function card(step, place, isNext) {
  const { title, words, page, as } = STEPS[step.key];
  return h("li", { class: `${step.done ? "done" : ""} ${isNext ? "next" : ""}` },
    h("span", { class: "tick", "aria-hidden": "true" }, step.done ? "✓" : String(place + 1)),
    h("div", {},
      h("strong", {}, step.done ? `${title}: done` : title),
      isNext && h("p", {}, words),
      isNext && !here(page, as) && h("a", { href: address(page, as) }, `Be ${{ operator: "Olivia", approver: "Amir" }[as]} in Slack`)));
}

function here(page, as) {
  const part = new URLSearchParams(location.search).get("as") ?? "operator";
  return page === current && (!as || as === part);
}

async function lively() {
  const answer = await act("/lively", {});
  if (!answer.error) toast("Six tokens, three requests and 2,000 devices: this takes a moment. Two days go by meanwhile.");
}
