// The Slack page: whom one is, where one is, and what is there.

import { draw } from "./blocks.js";
import { closedComposer, composer, drawNotices } from "./composer.js";
import { ask } from "./dialog.js";
import { h, put } from "./dom.js";
import { drawFrame, frame } from "./frame.js";
import { icon } from "./icons.js";
import { live, store } from "./live.js";
import { openMenu } from "./menu.js";
import { MessageList, avatar, openFile } from "./messages.js";
import { does, me, viewPlace } from "./places.js";
import { drawViews } from "./views.js";

const HOME = "home";
let open = null; // {channel, thread, tab}
let since = "0"; // what was read when the channel was opened
let notices = null;
let list = null;
let replies = null;
let homeShown = "";

frame("slack");
const sidebar = h("aside", { class: "sidebar", "aria-label": "Channels" });
const main = h("main", { class: "room" });
const panel = h("aside", { class: "thread", "aria-label": "Thread", hidden: true });
document.body.append(h("div", { class: "slack" }, sidebar, main, panel));

live("slack", me(), (names) => {
  if (!store.names || !store.sidebar) return;
  if (names.has("names") && open === null) go();
  if (["names", "people", "sidebar"].some((name) => names.has(name))) drawSidebar();
  if ([...names].some((name) => name.startsWith("channel ") || name === "files" || name === "sidebar")) drawMessages();
  if (names.has("home")) drawHome();
  if (names.has("views") || names.has("lively")) drawViews();
  if (names.has("notices")) notices = notices === null ? store.notices.length : drawNotices(notices);
  drawFrame(names);
});

addEventListener("hashchange", go);
addEventListener("focus", read);
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (document.body.classList.contains("menu-open")) { menu(false); main.querySelector(".menu-button")?.focus(); }
  else if (open?.thread) closeThread();
});
main.addEventListener("click", (event) => { if (!event.target.closest(".menu-button")) menu(false); });
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-file]");
  if (link) { event.preventDefault(); openFile(link.dataset.file); }
});

// In a narrow window the channels come over the messages, and go again.
function menu(shown) {
  document.body.classList.toggle("menu-open", shown);
  if (shown) sidebar.querySelector("[aria-current], a")?.focus();
}

function closeThread() {
  open.thread = null;
  panel.hidden = true;
}

const entryOf = (id) => store.sidebar.find((entry) => entry.id === id);

// The address names the place: #C…, #C…/TS for a message, #home for the app's Home tab.
function go() {
  const [place, ts] = location.hash.slice(1).split("/");
  if (place === "file") { openFile(ts); history.replaceState(null, "", location.pathname + location.search); }
  const app = store.sidebar.find((entry) => entry.app);
  const channel = place === HOME ? app : entryOf(place) ?? open?.entry ?? store.sidebar.find((entry) => entry.name === "general") ?? app;
  const tab = place === HOME ? HOME : "messages";
  menu(false);
  if (open?.entry.id === channel.id && open.tab === tab) { if (ts) point(ts); return; }
  open = { entry: channel, tab, thread: null };
  since = channel.read;
  homeShown = "";
  drawRoom();
  if (tab === HOME) does({ act: "open_home" });
  if (ts) point(ts);
}

function point(ts) {
  const node = main.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  const parent = (store[`channel ${open.entry.id}`] ?? []).find((message) => message.thread.some((reply) => reply.ts === ts));
  if (parent) openThread(parent.ts);
  node?.scrollIntoView({ block: "center" });
  node?.classList.add("pointed");
}

function drawSidebar() {
  const mine = store.people.find((person) => person.part === me());
  const channels = store.sidebar.filter((entry) => !entry.app).sort((one, other) => one.name.localeCompare(other.name));
  const app = store.sidebar.find((entry) => entry.app);
  const others = store.people.filter((person) => person.part !== me()).reduce((sum, person) => sum + person.unread, 0);
  const switcher = h("button", {
    class: "act-as", "aria-haspopup": "listbox", "aria-label": `You act as ${mine.name}. ${mine.role}. Change`,
    onclick: () => openMenu(switcher, {
      search: false, picked: [me()],
      entries: store.people.map((person) => ({ label: `${person.name}${person.unread ? ` (${person.unread} new)` : ""}`, description: person.gone ? "Deactivated" : person.role, value: person.part })),
      onPick: ({ value }) => { location.href = `/slack?as=${value}${location.hash}`; },
    }),
  }, avatar(mine.id), h("span", {}, h("small", {}, "You act as"), h("b", {}, mine.name), h("small", {}, mine.title)), others > 0 && h("span", { class: "others", title: "New messages for the others" }, String(others)), h("span", { class: "caret", "aria-hidden": "true" }, "▾"));
  put(sidebar,
    h("div", { class: "workspace" }, h("b", {}, "Sandbox"), h("small", {}, "a Slack that runs on this machine")),
    switcher,
    h("h2", {}, "Channels"),
    h("ul", {}, channels.map((entry) => h("li", {}, link(entry, entry.private ? [icon("lock"), ` ${entry.name}`] : `# ${entry.name}`)))),
    h("h2", {}, "Apps"),
    h("ul", {}, h("li", {}, link(app, store.app?.name ?? "App"))),
    mine.part === "operator" || mine.part === "approver" ? h("div", { class: "sidebar-foot" }, h("button", { class: "quiet small", onclick: () => leave(mine) }, mine.gone ? "Deactivated" : "Deactivate this account…")) : null);
  const waiting = store.sidebar.reduce((sum, entry) => sum + entry.calls, 0);
  document.title = `${waiting ? `(${waiting}) ` : ""}${open ? title() : "Slack"} · demo`;
}

async function leave(mine) {
  if (mine.gone) return;
  const yes = await ask({ title: `Deactivate ${mine.name}?`, body: "A workspace admin does this when somebody leaves. The app is told. In this demo it cannot be undone.", yes: "Deactivate", danger: true });
  if (yes) does({ act: "leave" });
}

function link(entry, words) {
  const here = open?.entry.id === entry.id;
  return h("a", {
    href: entry.app ? `#${here && open.tab === HOME ? HOME : entry.id}` : `#${entry.id}`,
    class: entry.unread && !here ? "unread" : "", "aria-current": here && "page",
    onclick: () => menu(false),
  }, h("span", {}, words), entry.calls > 0 && !here && h("span", { class: "count", "aria-label": `${entry.calls} new` }, String(entry.calls)));
}

const title = () => open.entry.app ? store.app?.name ?? "App" : `#${open.entry.name}`;

function drawRoom() {
  const { entry, tab } = open;
  const head = h("header", { class: "room-head" },
    h("button", { class: "quiet menu-button", "aria-label": "Channels", onclick: () => menu(!document.body.classList.contains("menu-open")) }, icon("menu")),
    h("h1", {}, title()),
    entry.app
      ? h("nav", { class: "tabs", "aria-label": "Tabs" }, h("a", { href: `#${HOME}`, "aria-current": tab === HOME && "page" }, "Home"), h("a", { href: `#${entry.id}`, "aria-current": tab !== HOME && "page" }, "Messages"))
      : h("small", { class: "room-note" }, `${entry.members} members${entry.with_app ? "" : ", without the app"}`));
  panel.hidden = true;
  if (tab === HOME) {
    list = null;
    put(main, head, h("div", { class: "home" }));
    drawHome();
  } else {
    const messages = h("div", { class: "messages", role: "log", "aria-label": `Messages in ${title()}`, tabindex: "0" });
    list = new MessageList(messages, { openThread });
    put(main, head, messages, entry.app && store.app?.read_only
      ? closedComposer("Sending messages to this app has been turned off. Type its command in a channel.")
      : composer({ channel: entry.id, placeholder: `Message ${title()}` }));
    drawMessages(true);
  }
  drawSidebar();
}

function drawMessages(fresh = false) {
  if (!open || !list) return;
  const node = list.rows.node;
  const atEnd = fresh || node.scrollHeight - node.scrollTop - node.clientHeight < 80;
  const messages = store[`channel ${open.entry.id}`] ?? [];
  list.show(messages, { read: since, seenBy: store.names.me });
  node.classList.toggle("empty", messages.length === 0);
  if (atEnd) node.scrollTop = node.scrollHeight;
  drawThread();
  read();
}

function read() {
  if (!open || open.tab === HOME || document.hidden) return;
  const last = (store[`channel ${open.entry.id}`] ?? []).at(-1);
  const entry = entryOf(open.entry.id);
  if (last && entry && last.ts > entry.read) does({ act: "read", channel: entry.id, ts: last.ts });
}

function openThread(ts) {
  open.thread = ts;
  panel.hidden = false;
  const messages = h("div", { class: "messages" });
  replies = new MessageList(messages, { inThread: true });
  put(panel,
    h("header", { class: "room-head" }, h("h1", {}, "Thread"), h("small", { class: "room-note" }, title()), h("button", { class: "quiet", "aria-label": "Close thread", onclick: closeThread }, "✕")),
    messages,
    composer({ channel: open.entry.id, thread: ts, placeholder: "Reply…" }));
  drawThread();
}

function drawThread() {
  if (!open?.thread) return;
  const parent = (store[`channel ${open.entry.id}`] ?? []).find((message) => message.ts === open.thread);
  if (!parent) { panel.hidden = true; open.thread = null; return; }
  const node = replies.rows.node;
  const before = node.childElementCount;
  replies.show([parent, ...parent.thread]);
  if (node.childElementCount > before) node.scrollTop = node.scrollHeight;
}

function drawHome() {
  const node = main.querySelector(".home");
  if (!node) return;
  const same = store.home ? JSON.stringify([store.home.id, store.home.hash]) : "none";
  if (same === homeShown) return;
  homeShown = same;
  const again = () => { homeShown = ""; drawHome(); };
  put(node, store.home
    ? draw(store.home.blocks, viewPlace(store.home, again))
    : h("p", { class: "empty-note" }, "The app has not drawn its Home tab for you yet."));
}
