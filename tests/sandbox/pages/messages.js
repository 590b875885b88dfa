// Messages as a reader sees them: who, when, blocks or text, files, the thread.

import { draw } from "./blocks.js";
import { Rows, h, size } from "./dom.js";
import { icon } from "./icons.js";
import { store } from "./live.js";
import { mrkdwn } from "./mrkdwn.js";
import { called, deleteFile, does, fileAddress, messagePlace } from "./places.js";
import { clock, dayKey, dayWords, full, ofTs } from "./times.js";

const COLORS = ["#1d7a8c", "#8a4b9c", "#b3541e", "#3b6e3b", "#a33a5e", "#4a5fb0"];

export function avatar(id, small = false) {
  const name = called(id);
  const app = store.names.people[id]?.app;
  const ids = Object.keys(store.names.people);
  const face = h("span", { class: `avatar ${small ? "small" : ""} ${app ? "app" : ""}`, "aria-hidden": "true" },
    app ? icon("ticket") : name.split(" ").map((part) => part[0]).slice(0, 2).join(""));
  if (!app) face.style.background = COLORS[ids.indexOf(id) % COLORS.length];
  return face;
}

export class MessageList {
  constructor(node, { inThread = false, openThread = () => {} } = {}) {
    this.rows = new Rows(node);
    this.inThread = inThread;
    this.openThread = openThread;
  }

  show(messages, { read = "0", seenBy } = {}) {
    const entries = [];
    let last = null;
    let told = false;
    for (const message of messages) {
      const at = ofTs(message.ts);
      const key = dayKey(at);
      if (!this.inThread && last?.day !== key) {
        entries.push({ key: `day ${key}`, same: dayWords(at), draw: () => h("div", { class: "day", role: "separator" }, h("span", {}, dayWords(at))) });
        last = null;
      }
      if (!told && read !== "0" && message.ts > read && message.user !== seenBy) {
        told = true;
        entries.push({ key: "new", same: message.ts, draw: () => h("div", { class: "new-line", role: "separator" }, h("span", {}, "New")) });
        last = null;
      }
      const follows = last && last.user === message.user && last.alone === message.alone && Number(message.ts) - Number(last.ts) < 300;
      entries.push({ key: message.ts, same: JSON.stringify([message, follows, this.filesOf(message)]), draw: () => this.draw(message, follows) });
      last = { ...message, day: key };
    }
    this.rows.show(entries);
  }

  filesOf(message) {
    return message.files.map((id) => store.files[id]);
  }

  draw(message, follows) {
    const at = ofTs(message.ts);
    const body = message.blocks.length ? draw(message.blocks, messagePlace(message)) : h("div", { class: "b-text" }, mrkdwn(message.text));
    const replies = message.thread.length;
    return h("article", { class: `message ${message.alone ? "alone" : ""} ${follows ? "follows" : ""}`, data: { ts: message.ts }, "aria-label": `${called(message.user)}, ${clock(at)}` },
      message.alone && h("p", { class: "only-you" }, icon("eye"), " Only visible to you ",
        h("button", { class: "quiet small", onclick: () => does({ act: "dismiss", channel: message.channel, ts: message.ts }) }, "Dismiss")),
      h("div", { class: "message-side" }, follows ? h("time", { class: "side-time" }, clock(at)) : avatar(message.user)),
      h("div", { class: "message-main" },
        !follows && h("div", { class: "message-head" }, h("b", { class: "who" }, called(message.user)), message.app && h("span", { class: "badge" }, "APP"), h("time", { title: full(at), datetime: at.toISOString() }, clock(at))),
        h("div", { class: "message-body" }, body, message.edited && h("small", { class: "edited" }, "(edited)")),
        message.files.map((id) => fileCard(id)),
        !this.inThread && replies > 0 && h("button", { class: "thread-link", onclick: () => this.openThread(message.ts) },
          [...new Set(message.thread.map((reply) => reply.user))].slice(0, 3).map((id) => avatar(id, true)),
          h("b", {}, `${replies} ${replies === 1 ? "reply" : "replies"}`), h("small", {}, ` Last at ${clock(ofTs(message.thread.at(-1).ts))}`))),
      !this.inThread && !message.alone && h("div", { class: "message-tools" },
        h("button", { class: "quiet", title: "Reply in thread", "aria-label": "Reply in thread", onclick: () => this.openThread(message.ts) }, icon("reply"))));
  }
}

function fileCard(id) {
  const file = store.files[id];
  if (!file || file.deleted) return h("div", { class: "file-card gone" }, "This file was deleted.");
  return h("div", { class: "file-card" },
    h("span", { class: "file-icon" }, icon(/\.(png|jpe?g|gif)$/i.test(file.name) ? "picture" : "file")),
    h("div", {}, h("a", { href: `#file/${id}`, data: { file: id } }, file.title), h("small", {}, `${file.name === file.title ? "" : `${file.name}, `}${size(file.size)}`)),
    h("a", { class: "button", href: fileAddress(file), download: file.name, "aria-label": `Download ${file.name}` }, "Download"));
}

// A file on its own, as a link to it opens: whose it is, and Delete where it is one's own.
export function openFile(id) {
  const file = store.files[id];
  const gone = !file || file.deleted;
  const box = h("dialog", { class: "ask", "aria-label": "File", onclose: () => box.remove() },
    h("h2", {}, gone ? "This file is gone" : file.title),
    h("div", { class: "ask-body" }, gone ? "It was deleted, or it is not for you." : `${file.name}, ${size(file.size)}, from ${called(file.user)}`),
    h("footer", {},
      !gone && file.mine && h("button", { class: "danger", onclick: async () => { box.close(); await deleteFile(file); } }, "Delete"),
      !gone && h("a", { class: "button", href: fileAddress(file), download: file.name }, "Download"),
      h("button", { class: "primary", onclick: () => box.close() }, "Close")));
  document.body.append(box);
  box.showModal();
}
