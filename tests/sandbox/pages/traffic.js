// What goes over the bot's wires, newest first; secrets are covered before they get here.

import { Rows, h, put } from "./dom.js";
import { drawFrame, frame } from "./frame.js";
import { live, store } from "./live.js";

frame("traffic");
const table = h("tbody");
const rows = new Rows(table);
const ways = h("select", { "aria-label": "Which way", onchange: draw }, ["Everything", "Slack → bot", "bot → Slack", "bot → Apple", "Only trouble"].map((words) => h("option", {}, words)));
document.body.append(h("main", { class: "traffic" },
  h("h1", {}, "Traffic"),
  h("p", { class: "lead" }, "What Slack tells the bot, and what the bot asks of Slack and Apple. Slack waits 3 seconds for an acknowledgement: one that took more than 1 second is marked."),
  h("div", {}, ways),
  h("div", { class: "wide" }, h("table", {}, h("thead", {}, h("tr", {}, ["Time", "Way", "What", "Answer", "With"].map((words) => h("th", {}, words)))), table))));

live("traffic", "operator", (names) => {
  drawFrame(names);
  if (names.has("traffic")) draw();
});

function draw() {
  const wanted = ways.value;
  const lines = (store.traffic ?? []).filter((line) => wanted === "Everything" || line.way === wanted || (wanted === "Only trouble" && (line.bad || line.slow)));
  rows.show(lines.map((line) => {
    const key = JSON.stringify(line);
    return { key, same: key, draw: () => h("tr", { class: line.bad ? "bad" : line.slow ? "slow" : "" },
      h("td", {}, h("time", {}, line.at.slice(11, 23))), h("td", {}, line.way), h("td", {}, h("code", {}, line.what)),
      h("td", {}, line.bad && "✗ ", line.slow && "slow: ", line.answer), h("td", { class: "about" }, line.about)) };
  }));
  if (!lines.length) put(table, h("tr", {}, h("td", { colspan: 5 }, "Nothing yet.")));
}
