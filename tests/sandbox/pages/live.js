// What the page knows of the demo: sections that are sent as they change, and acts that are sent back.

import { h } from "./dom.js";

export const store = {};
let heard = () => {};
let stream = null;
let pending = new Set();
let whole = false;

export function live(page, part, onChange) {
  heard = onChange;
  stream = new EventSource(`/live/${page}?as=${encodeURIComponent(part)}`);
  stream.addEventListener("section", (event) => {
    const [name, value] = JSON.parse(event.data);
    if (value === null && name.includes(" ")) delete store[name];
    else store[name] = value;
    pending.add(name);
    if (whole && pending.size === 1) setTimeout(flush);
  });
  // The first look comes in pieces; it is drawn when it is whole.
  stream.addEventListener("whole", () => { whole = true; flush(); document.body.dataset.whole = "yes"; });
  stream.addEventListener("open", () => document.body.classList.remove("lost"));
  stream.addEventListener("error", () => document.body.classList.add("lost"));
}

function flush() {
  const names = pending;
  pending = new Set();
  heard(names);
}

export async function act(where, asked) {
  return sent(where, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked) });
}

export async function send(where, query, body) {
  const address = `${where}?${new URLSearchParams(query)}`;
  return sent(address, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body });
}

async function sent(where, options) {
  let answer;
  try {
    answer = await fetch(where, options);
  } catch {
    toast("The demo does not answer. Is it still running in the terminal?", "bad");
    return { error: "no answer" };
  }
  if (answer.headers.get("X-File-Name")) return answer;
  const body = await answer.json().catch(() => ({ error: `It answered ${answer.status}.` }));
  if (body.error) toast(body.error, "bad");
  return body;
}

export async function save(answer) {
  const name = decodeURIComponent(answer.headers.get("X-File-Name"));
  const address = URL.createObjectURL(await answer.blob());
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  return name;
}

export function toast(words, kind = "") {
  const box = h("div", { class: `toast ${kind}`, role: "status", popover: "manual" }, words);
  document.body.append(box);
  box.showPopover();
  const shown = [...document.querySelectorAll(".toast:popover-open")];
  shown.forEach((each, place) => { each.style.setProperty("--place", shown.length - 1 - place); });
  setTimeout(() => box.remove(), kind === "bad" ? 8000 : 5000);
}

// Something that we send and cannot draw is never a blank: it is shown, and fails the tests.
export function trouble(what) {
  act("/trouble", { what });
  return h("div", { class: "cannot-draw", role: "alert" }, `This page cannot draw: ${what}`);
}
