// The Intune admin center: its enrollment program tokens, the people in Entra, and what can go wrong.

import { ask, form } from "./dialog.js";
import { h, number, put } from "./dom.js";
import { drawFrame, frame } from "./frame.js";
import { createForm, leaveCreate, renewForm } from "./intune_forms.js";
import { act, live, store, toast } from "./live.js";
import { clock, day } from "./times.js";

const SECTIONS = [["tokens", "Enrollment program tokens"], ["people", "Users"], ["mishaps", "Things that go wrong"]];
const PLATFORMS = { ios: "iOS/iPadOS", macOS: "macOS", tvOS: "tvOS", visionOS: "visionOS" };
const TERMS = 3; // the only number besides 0 that is known outside Microsoft
let section = "tokens";
let open = null; // the id of the token that is shown
let opened = null; // the page that is drawn once, as somebody types in it
let table = { first: 0, words: "", chosen: new Set(), page: null };

frame("intune");
const side = h("aside", { class: "portal-side", "aria-label": "Intune" });
const main = h("main", { class: "portal" });
document.body.append(h("div", { class: "portal-frame" }, side, main));

live("intune", "operator", (names) => {
  drawFrame(names);
  if (["tenant", "tokens", "people"].some((name) => names.has(name))) draw();
  if (names.has("tokens") && open) look();
});

const does = (asked) => act("/intune/act", asked);
const done = async (asked, words) => { const answer = await does(asked); if (!answer.error && words) toast(words); return !answer.error; };
const shown = () => store.tokens.find((one) => one.id === open);
const fact = (name, value) => [h("dt", {}, name), h("dd", {}, value)];
const when = (text) => { const at = new Date(text); return `${day(at)}, ${clock(at)}`; };

function draw() {
  if (!store.tokens) return;
  drawSide();
  document.title = "Intune · demo";
  if (opened) return;
  if (open && !shown()) open = null;
  put(main, banners(), { tokens: () => open ? one(shown()) : tokens(), people, mishaps }[section]());
}

function drawSide() {
  put(side,
    h("div", { class: "portal-name" }, h("b", {}, "Intune admin center"), h("small", {}, "a stand-in on this machine, not Microsoft")),
    h("nav", { "aria-label": "Admin center" }, SECTIONS.map(([key, words]) => h("button", { class: key === "mishaps" ? "side-link demo-only" : "side-link", "aria-current": section === key && "page", onclick: () => go(key) }, words))),
    h("div", { class: "account" }, h("span", { class: "account-face", "aria-hidden": "true" }, store.tenant.name[0]), h("span", {}, h("b", {}, store.tenant.name), h("small", {}, store.tenant.may_write ? "The bot may read and write here" : "The bot may only read here"))));
}

// A form that was begun holds a key: it is not left without a word.
async function go(where, token = null) {
  if (opened && !(await leaveCreate(opened))) return;
  opened = null;
  section = where;
  open = token;
  table = { first: 0, words: "", chosen: new Set(), page: null };
  draw();
  if (token) look();
}

function banners() {
  const { down, throttled, licensed, secret_expired } = store.tenant;
  const words = [down && "Microsoft Graph is down", throttled && "Microsoft Graph throttles", !licensed && "the tenant has no Intune licence", secret_expired && "the bot's secret has expired"].filter(Boolean);
  return words.length > 0 && section !== "mishaps" && h("p", { class: "banner bad" }, `The bot gets errors here: ${words.join(", ")}. `, h("button", { class: "small", onclick: () => go("mishaps") }, "Things that go wrong"));
}

const crumbs = (...more) => h("p", { class: "crumbs" }, ["Devices", "Enrollment", "Apple mobile", "Enrollment program tokens", ...more].join(" › "));

function state(token) {
  if (!token.expires) return ["warn", "No token uploaded"];
  if (token.expired) return ["bad", "Expired"];
  if (token.error === TERMS) return ["bad", "Terms and conditions not accepted"];
  if (token.error) return ["bad", `Sync error ${token.error}`];
  return ["good", "Active"];
}

const stateOf = (token) => { const [kind, words] = state(token); return h("span", { class: `state ${kind}` }, words); };
const tagNames = (token) => token.tags.map((id) => store.tenant.tags.find((tag) => tag.id === id)?.name ?? id).join(", ");

function tokens() {
  return [
    crumbs(),
    h("div", { class: "head" }, h("h1", {}, "Enrollment program tokens"), h("button", { class: "primary", onclick: create }, "Create")),
    h("p", { class: "lead" }, "A token lets Intune sync devices from Apple, and gives them their enrollment profile."),
    store.tokens.length === 0
      ? h("div", { class: "nothing" }, h("p", {}, "There is no token yet."), h("p", {}, "Create one with the steps that the bot gives in Slack. What is made here without the bot, it finds at its next look."))
      : h("div", { class: "token-table" }, h("table", {},
        h("thead", {}, h("tr", {}, ["Token", "Apple ID", "Expires", "Devices", "Last sync", "Status"].map((words) => h("th", {}, words)))),
        h("tbody", {}, store.tokens.map((token) => h("tr", {},
          h("td", {}, h("button", { class: "quiet", onclick: () => go("tokens", token.id) }, token.name)),
          h("td", {}, token.apple_id ?? "none"), h("td", {}, token.expires ? day(new Date(token.expires)) : "never"),
          h("td", {}, number(token.devices)), h("td", {}, token.synced ? when(token.synced) : "never"), h("td", {}, stateOf(token))))))),
  ];
}

async function create() {
  const answer = await does({ act: "open_create" });
  if (answer.error) return;
  opened = { tab: answer.tab };
  put(main, crumbs("Create"), h("h1", {}, "Create an enrollment program token"), createForm(opened, store.tenant.tags, leave));
}

function renew(token) {
  opened = {};
  put(main, crumbs(token.name, "Renew"), h("h1", {}, `Renew ${token.name}`), renewForm(token, store.tenant.tags, leave));
}

// The form is over: what it made, or nothing.
function leave(words) {
  opened = null;
  if (words) toast(words);
  go("tokens", open);
}

function one(token) {
  return [
    crumbs(token.name),
    h("button", { class: "quiet back", onclick: () => go("tokens") }, "‹ Enrollment program tokens"),
    h("div", { class: "head" }, h("h1", {}, token.name),
      h("button", { class: "primary", onclick: () => renew(token) }, "Renew token"),
      h("button", { onclick: () => done({ act: "sync", token: token.id }, "Synced with Apple.") }, "Sync"),
      h("button", { onclick: () => rename(token) }, "Rename"),
      h("button", { class: "danger", onclick: () => remove(token) }, "Delete")),
    h("dl", { class: "facts" },
      fact("Status", stateOf(token)),
      fact("Apple ID", token.apple_id ?? "none"),
      fact("Portal", token.school ? "Apple School Manager" : "Apple Business"),
      fact("Expires", token.expires ? when(token.expires) : "never"),
      fact("Last sync", token.synced ? when(token.synced) : "never"),
      fact("Devices", `${number(token.devices)}${token.released ? `, and ${number(token.released)} released at Apple` : ""}`),
      fact("Scope tags", tagNames(token))),
    h("h2", {}, "Profiles and policies"),
    profiles(token),
    h("h2", {}, "Devices"),
    h("div", { class: "device-table" }),
  ];
}

function profiles(token) {
  return [
    token.profiles.length > 0 && h("ul", { class: "profile-list" }, token.profiles.map((profile) => h("li", {},
      h("span", {}, h("b", {}, profile.name), h("br"), h("small", {}, `${PLATFORMS[profile.platform]}, ${profile.policy ? "policy" : "profile"}${profile.default ? ", default for new devices" : ""}`)),
      !profile.default && h("button", { class: "small", onclick: () => done({ act: "set_default", token: token.id, profile: profile.id }, `${profile.name} is the default now.`) }, "Set as default"),
      h("button", { class: "small danger", onclick: () => done({ act: "delete_profile", token: token.id, profile: profile.id }, `${profile.name} was deleted.`) }, "Delete")))),
    h("div", { class: "row" }, h("button", { onclick: () => addPolicy(token) }, "Create policy…")),
  ];
}

function addPolicy(token) {
  const name = h("input", { type: "text", required: true });
  const platform = h("select", {}, Object.entries(PLATFORMS).map(([value, words]) => h("option", { value }, words)));
  form({ title: "Create an enrollment policy", yes: "Create", fields: [{ label: "Name", input: name }, { label: "Platform", input: platform }], onYes: () => done({ act: "add_policy", token: token.id, name: name.value, platform: platform.value }, `${name.value} was created.`) });
}

function rename(token) {
  const name = h("input", { type: "text", required: true, value: token.name });
  form({ title: `Rename ${token.name}`, yes: "Save", fields: [{ label: "Name", input: name }], onYes: () => done({ act: "rename", token: token.id, name: name.value }, "The name was changed.") });
}

async function remove(token) {
  if (await ask({ title: `Delete ${token.name}?`, body: "Intune deletes a token only once no devices and no profiles are left under it.", yes: "Delete", danger: true })) {
    await done({ act: "delete", token: token.id }, `${token.name} was deleted.`);
  }
}

async function look() {
  const page = await act("/intune/devices", { token: open, first: table.first, words: table.words });
  if (page.error) return;
  table.page = page;
  drawTable();
}

function drawTable() {
  const place = main.querySelector(".device-table");
  const { page, chosen } = table;
  if (!place || !page) return;
  const token = shown();
  const words = h("input", { type: "search", placeholder: "Serial number", "aria-label": "Serial number", value: table.words, onchange: () => { table.words = words.value; table.first = 0; look(); } });
  const last = page.first + page.devices.length;
  const move = (by) => { table.first = page.first + by; look(); };
  put(place,
    h("div", { class: "row" }, words, h("span", {}, `${number(chosen.size)} chosen`),
      h("button", { class: "danger", disabled: !chosen.size, onclick: () => deleteDevices(token, [...chosen]) }, "Delete…"),
      h("button", { class: "danger", disabled: !page.total, onclick: () => deleteDevices(token, null) }, "Delete all…")),
    page.total === 0 ? h("p", { class: "lead" }, "No devices. Assign some to its service at Apple, then sync.") : h("table", {},
      h("thead", {}, h("tr", {}, ["", "Serial number", "Platform", "Profile", "Status"].map((each) => h("th", {}, each)))),
      h("tbody", {}, page.devices.map((device) => h("tr", {},
        h("td", {}, h("input", { type: "checkbox", "aria-label": device.serial, checked: chosen.has(device.id), onchange: () => { if (!chosen.delete(device.id)) chosen.add(device.id); drawTable(); } })),
        h("td", {}, device.serial), h("td", {}, PLATFORMS[device.platform]), h("td", {}, device.profile || "none"), h("td", {}, device.released ? "Released at Apple" : "Assigned"))))),
    page.total > page.devices.length && h("div", { class: "row" },
      h("button", { disabled: page.first === 0, onclick: () => move(-50) }, "Earlier"),
      h("span", {}, `${number(page.first + 1)} to ${number(last)} of ${number(page.total)}`),
      h("button", { disabled: last >= page.total, onclick: () => move(50) }, "Later")));
}

async function deleteDevices(token, ids) {
  const many = ids ? `${number(ids.length)} devices` : "all devices";
  if (!await ask({ title: `Delete ${many} from ${token.name}?`, body: "They leave management. Those that are still assigned at Apple come back at the next sync.", yes: "Delete", danger: true })) return;
  if (await done({ act: "delete_devices", token: token.id, ...(ids ? { ids } : {}) }, `Deleted ${many}.`)) table.chosen.clear();
}

function people() {
  const does_ = (act_, person, words) => done({ act: act_, person: person.id }, words);
  return [
    h("p", { class: "crumbs" }, "Users › All users"),
    h("h1", {}, "Users"),
    h("p", { class: "lead" }, "Where an Apple ID is somebody's account in Entra, the bot looks hourly whether that account is still as it was."),
    h("ul", { class: "profile-list" }, store.people.map((person) => h("li", {},
      h("span", {}, h("b", {}, person.name), h("br"), h("small", {}, `${person.address}. ${person.deleted ? "Deleted" : person.enabled ? `Password changed on ${day(new Date(person.password))}` : "Sign-in is blocked"}`)),
      !person.deleted && [
        h("button", { class: "small", onclick: () => does_("change_password", person, `The password of ${person.name} was changed.`) }, "Reset password"),
        h("button", { class: "small", onclick: () => does_(person.enabled ? "block" : "unblock", person, person.enabled ? `${person.name} cannot sign in any more.` : `${person.name} may sign in again.`) }, person.enabled ? "Block sign-in" : "Allow sign-in"),
        h("button", { class: "small danger", onclick: () => does_("delete_user", person, `${person.name} was deleted.`) }, "Delete")]))),
  ];
}

function mishaps() {
  const tenant = store.tenant;
  const turn = (name, on, title, words, button, back, said, fine) => h("div", { class: "mishap" }, h("div", {}, h("b", {}, title), h("small", {}, words)),
    h("button", { class: on ? "" : "danger", onclick: () => done({ act: name, on: name === "licensed" || name === "shows_uploads" ? on : !on }, on ? fine : said) }, on ? back : button));
  return [
    h("h1", {}, "Things that go wrong"),
    h("p", { class: "lead" }, "Not a page of Microsoft's: make a mishap happen here, and see in Slack what the bot says. What it looks at only now and then comes sooner when you move the clock."),
    h("h2", {}, "What the bot may do"),
    h("div", { class: "mishap" }, h("div", {}, h("b", {}, tenant.may_write ? "It may read and write" : "It may only read"), h("small", {}, tenant.may_write ? "It uploads tokens and deletes them itself." : "It gives the steps, you do them here, and it looks whether they are done.")),
      h("button", { onclick: () => done({ act: "may_write", on: !tenant.may_write }, "The bot notices at its next call.") }, tenant.may_write ? "Take writing away" : "Let it write")),
    turn("refuses_writes", tenant.refuses_writes, "Intune refuses what the bot writes", "Whatever its permissions say.", "Refuse", "Allow", "Writes are refused.", "Writes are taken again."),
    turn("shows_uploads", !tenant.shows_uploads, "An upload is taken, and never shows", "The expiry date stays what it was.", "Hide uploads", "Show uploads", "Uploads do not show any more.", "Uploads show again."),
    h("h2", {}, "At Microsoft"),
    turn("throttled", tenant.throttled, "Microsoft Graph throttles", "Each call is answered 429, without saying for how long.", "Throttle", "Stop it", "Graph throttles.", "Graph answers again."),
    turn("down", tenant.down, "Microsoft Graph is down", "Each call is answered 503.", "Begin an outage", "End it", "Graph is down.", "Graph answers again."),
    turn("secret_expired", tenant.secret_expired, "The bot's secret expires", "It cannot sign in any more.", "Let it expire", "Prolong it", "The secret has expired.", "The secret is good for two years."),
    turn("licensed", !tenant.licensed, "The tenant has no Intune licence", "Graph refuses everything about Intune.", "End the licence", "Renew it", "The licence has ended.", "The licence is there again."),
  ];
}
