// The portal: an organisation's services, its devices, its people, and what can go wrong with them.

import { ask, form } from "./dialog.js";
import { h, number, put } from "./dom.js";
import { drawFrame, frame } from "./frame.js";
import { act, live, save, send, store, toast } from "./live.js";
import { openMenu } from "./menu.js";
import { clock, day } from "./times.js";

const SECTIONS = [["services", "Management Services"], ["devices", "Devices"], ["people", "Organisation and people"], ["mishaps", "Things that go wrong"]];
let organisation = null; // its id
let admin = null; // who is signed in
let section = null;
let server = null; // the service that is open
let table = { first: 0, words: "", server: "", chosen: new Set(), page: null };

frame("apple");
const side = h("aside", { class: "portal-side", "aria-label": "Apple" });
const main = h("main", { class: "portal" });
document.body.append(h("div", { class: "portal-frame" }, side, main));

const address = (name) => new URLSearchParams(location.hash.slice(1)).get(name);
organisation = address("org");
section = address("section");

live("apple", "operator", (names) => {
  drawFrame(names);
  if (["organisations", "trouble"].some((name) => names.has(name))) draw();
  if (names.has("organisations") && section === "devices") look();
});

const mine = () => store.organisations.find((one) => one.id === organisation) ?? store.organisations[0];
const does = (asked) => act("/apple/act", { organisation: mine().id, ...asked });
const done = async (asked, words) => { const answer = await does(asked); if (!answer.error && words) toast(words); return !answer.error; };

function draw() {
  if (!store.organisations) return;
  const org = mine();
  organisation = org.id;
  if (!admin || !org.admins.includes(admin)) admin = org.admins[0] ?? null;
  drawSide(org);
  document.title = `${org.portal} · demo`;
  const body = { services: services, devices: devices, people: people, mishaps: mishaps }[section] ?? welcome;
  put(main,
    store.trouble.length > 0 && h("p", { class: "banner bad" }, "Apple answers with errors: see Things that go wrong. ", h("button", { class: "small", onclick: () => done({ act: "recover" }, "Apple works again.") }, "Let it work again")),
    !org.terms_signed && h("p", { class: "banner" }, `New terms wait for ${org.name}. Until somebody signs them, Apple refuses its tokens. `, h("button", { class: "small", onclick: () => done({ act: "sign_terms" }, "The terms are signed.") }, "Review and agree")),
    body(org));
}

function drawSide(org) {
  const name = h("button", {
    class: "account", "aria-haspopup": "listbox", title: "Your name: preferences and signing in",
    onclick: () => openMenu(name, {
      search: false,
      entries: [
        { label: "Preferences", description: "Management Services: servers and their tokens", value: "services" },
        ...store.organisations.flatMap((one) => one.admins.map((each) => ({ label: `Sign in as ${each}`, description: `${one.name}, ${one.portal}`, value: `in ${one.id} ${each}` }))),
        { label: "Sign up another organisation", value: "new" },
      ],
      onPick: ({ value }) => {
        if (value === "new") return addOrganisation();
        if (value === "services") return go("services");
        const [, id, who] = value.split(" ");
        organisation = id; admin = who; server = null;
        return go(section);
      },
    }),
  }, h("span", { class: "account-face", "aria-hidden": "true" }, (admin ?? "?")[0].toUpperCase()), h("span", {}, h("b", {}, admin ?? "Nobody can sign in"), h("small", {}, org.name)), h("span", { class: "caret", "aria-hidden": "true" }, "▴"));
  put(side,
    h("div", { class: "portal-name" }, h("b", {}, org.portal), h("small", {}, "a stand-in on this machine, not Apple")),
    h("nav", { "aria-label": "Portal" }, SECTIONS.map(([key, words]) => h("button", { class: key === "mishaps" ? "side-link demo-only" : "side-link", "aria-current": section === key && "page", onclick: () => go(key) }, words))),
    name);
}

function go(where) {
  section = where;
  if (where !== "services") server = null;
  table = { first: 0, words: "", server: "", chosen: new Set(), page: null };
  history.replaceState(null, "", `#org=${organisation}&section=${where ?? ""}`);
  draw();
  if (where === "devices") look();
  scrollTo(0, 0);
}

function welcome(org) {
  return [h("h1", {}, `Welcome to ${org.portal}`), h("p", { class: "lead" }, `You are signed in to ${org.name}.`),
    h("div", { class: "tiles" },
      h("button", { class: "tile", onclick: () => go("services") }, h("b", {}, "Management Services"), h("small", {}, "Add a device management service with the .pem file, and download its token")),
      h("button", { class: "tile", onclick: () => go("devices") }, h("b", {}, "Devices"), h("small", {}, `${number(org.devices)} devices, ${number(org.unassigned)} without a service`)),
      h("button", { class: "tile", onclick: () => go("people") }, h("b", {}, "Organisation and people"), h("small", {}, "Who may sign in; the organisation's terms")),
      h("button", { class: "tile", onclick: () => go("mishaps") }, h("b", {}, "Things that go wrong"), h("small", {}, "Passwords, accounts, terms, throttling, an outage"))),
    h("p", { class: "hint" }, "At Apple, the services are behind your name (bottom left): Preferences, then Management Services.")];
}

function services(org) {
  const open = org.servers.find((one) => one.uuid === server);
  if (open) return one(org, open);
  return [
    h("div", { class: "head" }, h("h1", {}, "Management Services"), h("button", { class: "primary", onclick: addServer }, "Add")),
    h("p", { class: "lead" }, "A device management service (once called MDM server) gets the devices that are assigned to it."),
    org.servers.length === 0
      ? h("div", { class: "nothing" }, h("p", {}, "There is no device management service yet."), h("p", {}, "Add one with the public-key certificate (.pem) that the bot sent you."))
      : h("ul", { class: "cards" }, org.servers.map((each) => h("li", {},
        h("button", { class: "card", onclick: () => { server = each.uuid; draw(); scrollTo(0, 0); } },
          h("b", {}, each.name), h("small", {}, `${number(each.devices)} devices`), h("small", {}, tokenWords(each)))))),
  ];
}

const when = (text) => { const at = new Date(text); return `${day(at)}, ${clock(at)}`; };

function tokenWords(each) {
  if (!each.token) return "No token was downloaded yet";
  if (each.token.revoked) return "Its token was revoked";
  return new Date(each.token.expires) < new Date(Date.now() + store.time.ahead * 1000) ? `Its token expired on ${day(new Date(each.token.expires))}` : `Token until ${day(new Date(each.token.expires))}`;
}

function one(org, each) {
  return [
    h("button", { class: "quiet back", onclick: () => { server = null; draw(); } }, "‹ Management Services"),
    h("div", { class: "head" }, h("h1", {}, each.name),
      h("button", { class: "primary", onclick: () => download(org, each) }, "Download Token"),
      h("button", { onclick: () => edit(each) }, "Edit"),
      h("button", { class: "danger", onclick: () => remove(each) }, "Delete")),
    h("dl", { class: "facts" },
      fact("Devices", number(each.devices)),
      fact("Token", tokenWords(each)),
      fact("Downloaded", each.token ? `${each.downloads === 1 ? "once," : `${number(each.downloads)} times, last`} by ${each.token.by} on ${when(each.token.issued)}` : "never"),
      fact("Last connected", each.last_connected ? when(each.last_connected) : "never"),
      fact("Public key (SHA-256)", h("code", {}, fingerprint(each.fingerprint)))),
    h("h2", {}, "Devices of this service"),
    h("div", { class: "row" },
      h("button", { onclick: () => count("Assign devices", `How many of the ${number(org.unassigned)} devices without a service?`, "Assign", org.unassigned, (many) => done({ act: "assign", server: each.uuid, count: many }, `${number(many)} devices were assigned to ${each.name}.`)) }, "Assign devices…"),
      h("button", { onclick: () => count("Unassign devices", `How many of its ${number(each.devices)} devices? They belong to no service then.`, "Unassign", each.devices, (many) => done({ act: "unassign", server: each.uuid, count: many }, `${number(many)} devices were unassigned.`)) }, "Unassign devices…"),
      h("button", { onclick: () => { go("devices"); table.server = each.name; look(); } }, "Show its devices")),
  ];
}

// In two halves, as nobody reads 32 pairs in one.
function fingerprint(hex) {
  const pairs = hex.toUpperCase().match(/../g);
  return [pairs.slice(0, 16).join(":"), h("br"), pairs.slice(16).join(":")];
}

const fact = (name, value) => [h("dt", {}, name), h("dd", {}, value)];

function count(title, label, yes, most, go_on) {
  const input = h("input", { type: "number", min: 1, max: 100000, value: String(Math.min(Math.max(most, 1), 25)), required: true });
  form({ title, fields: [{ label, input, hint: "1 to 100,000" }], yes, onYes: () => go_on(Number(input.value)) });
}

async function download(org, each) {
  const used = each.token && !each.token.revoked;
  const yes = await ask({
    title: `Download a server token for ${each.name}?`,
    body: used
      ? "Downloading a new server token resets the one in use: the token that was downloaded before stops working at once, and your device management service cannot sync until the new one is uploaded there."
      : "Upload the token to your device management service. Downloading another one later resets this one.",
    yes: "Download Server Token", danger: Boolean(used),
  });
  if (!yes) return;
  const answer = await send("/apple/token", { organisation: org.id, server: each.uuid, admin: admin ?? "" }, "");
  if (!answer.error) toast(`Your browser saves ${await save(answer)}.`);
}

function addServer() {
  const name = h("input", { type: "text", required: true, autocomplete: "off" });
  const file = h("input", { type: "file", accept: ".pem,.cer,.crt", required: true });
  form({
    title: "Add a device management service", yes: "Save",
    fields: [{ label: "Name", input: name }, { label: "Public key (.pem)", input: file, hint: "The certificate that the bot sent as a direct message." }],
    onYes: async () => {
      const answer = await send("/apple/server", { organisation: mine().id, name: name.value }, file.files[0]);
      if (answer.error) return false;
      toast(`${name.value} was added. Now download its token.`);
      return true;
    },
  });
}

function edit(each) {
  const name = h("input", { type: "text", value: each.name });
  const file = h("input", { type: "file", accept: ".pem,.cer,.crt" });
  form({
    title: `Edit ${each.name}`, yes: "Save",
    fields: [{ label: "Name", input: name }, { label: "Another public key (.pem)", input: file, hint: "Leave it empty to keep the one that is there. Tokens downloaded from now on are for the new one." }],
    onYes: async () => {
      if (name.value !== each.name && !(await done({ act: "rename_server", server: each.uuid, name: name.value }))) return false;
      if (!file.files.length) return true;
      return !(await send("/apple/server", { organisation: mine().id, server: each.uuid }, file.files[0])).error;
    },
  });
}

async function remove(each) {
  if (await ask({ title: `Delete ${each.name}?`, body: `Its token stops working, and its ${number(each.devices)} devices belong to no service.`, yes: "Delete", danger: true })) {
    server = null;
    await done({ act: "remove_server", server: each.uuid }, `${each.name} was deleted.`);
  }
}

async function look() {
  const page = await act("/apple/devices", { organisation: mine().id, first: table.first, words: table.words, server: table.server });
  if (page.error) return;
  table.page = page;
  if (section === "devices") drawTable();
}

function devices(org) {
  const words = h("input", { type: "search", placeholder: "Serial number", "aria-label": "Serial number", value: table.words, oninput: () => { table.words = words.value; table.first = 0; look(); } });
  const of = h("select", { "aria-label": "Assigned to", onchange: () => { table.server = of.value; table.first = 0; look(); } },
    [["", "All devices"], ["-", "Without a service"], ...org.servers.map((each) => [each.name, `Of ${each.name}`])].map(([value, label]) => h("option", { value, selected: value === table.server }, label)));
  return [
    h("div", { class: "head" }, h("h1", {}, "Devices"), h("button", { onclick: () => count("Buy devices", "How many arrive? They belong to no service yet.", "Buy", 25, (many) => done({ act: "buy", count: many }, `${number(many)} devices arrived.`)) }, "Buy devices…")),
    h("p", { class: "lead" }, `${number(org.devices)} devices, ${number(org.unassigned)} without a service.`),
    h("div", { class: "row" }, words, of),
    h("div", { class: "device-table" }),
  ];
}

function drawTable() {
  const place = main.querySelector(".device-table");
  const { page, chosen } = table;
  if (!place || !page) return;
  const org = mine();
  const all = page.devices.length > 0 && page.devices.every((one) => chosen.has(one.serial));
  const more = page.first + page.devices.length < page.total;
  const assign = h("button", {
    disabled: !chosen.size || !org.servers.length, onclick: () => openMenu(assign, {
      entries: org.servers.map((each) => ({ label: each.name, value: each.uuid })),
      onPick: async ({ value }) => { if (await done({ act: "assign", server: value, serials: [...chosen] }, `${number(chosen.size)} devices were assigned.`)) { chosen.clear(); look(); } },
    }),
  }, "Assign to…");
  put(place,
    h("div", { class: "row" },
      h("span", {}, `${number(chosen.size)} chosen`), assign,
      h("button", { disabled: !chosen.size, onclick: async () => { if (await done({ act: "unassign", serials: [...chosen] }, `${number(chosen.size)} devices were unassigned.`)) { chosen.clear(); look(); } } }, "Unassign"),
      h("button", {
        class: "danger", disabled: !chosen.size, onclick: async () => {
          if (await ask({ title: `Release ${number(chosen.size)} devices?`, body: "They leave the organisation. This cannot be undone.", yes: "Release", danger: true }) && await done({ act: "release", serials: [...chosen] }, `${number(chosen.size)} devices were released.`)) { chosen.clear(); look(); }
        },
      }, "Release…")),
    h("table", {}, h("thead", {}, h("tr", {},
      h("th", {}, h("input", { type: "checkbox", "aria-label": "All on this page", checked: all, onchange: () => { page.devices.forEach((each) => all ? chosen.delete(each.serial) : chosen.add(each.serial)); drawTable(); } })),
      ["Serial number", "Model", "Service", "Enrollment profile"].map((words) => h("th", {}, words)))),
    h("tbody", {}, page.devices.map((each) => h("tr", {},
      h("td", {}, h("input", { type: "checkbox", "aria-label": each.serial, checked: chosen.has(each.serial), onchange: () => { if (!chosen.delete(each.serial)) chosen.add(each.serial); drawTable(); } })),
      h("td", {}, h("code", {}, each.serial)), h("td", {}, each.model), h("td", {}, each.server || "none"), h("td", {}, each.profile))))),
    h("div", { class: "row" },
      h("span", {}, page.total ? `${number(page.first + 1)} to ${number(page.first + page.devices.length)} of ${number(page.total)}` : "No devices fit."),
      h("button", { disabled: page.first === 0, onclick: () => { table.first = Math.max(0, page.first - 50); look(); } }, "‹ Before"),
      h("button", { disabled: !more, onclick: () => { table.first = page.first + 50; look(); } }, "Next ›")));
}

function addOrganisation() {
  const name = h("input", { type: "text", required: true });
  const who = h("input", { type: "email", required: true, placeholder: "mdm@company.example" });
  const kind = h("select", {}, h("option", { value: "org" }, "Apple Business"), h("option", { value: "edu" }, "Apple School Manager"));
  form({
    title: "Sign up another organisation", yes: "Sign up",
    fields: [{ label: "Name", input: name }, { label: "Apple ID of its first administrator", input: who }, { label: "Portal", input: kind }],
    onYes: async () => {
      if (!(await done({ act: "add_organisation", name: name.value, admin: who.value, kind: kind.value }, `${name.value} has signed up.`))) return false;
      return true;
    },
  });
}

function people(org) {
  const who = h("input", { type: "email", placeholder: "colleague@schools.example", "aria-label": "Apple ID" });
  return [
    h("div", { class: "head" }, h("h1", {}, org.name), h("button", { onclick: addOrganisation }, "Sign up another organisation…")),
    h("dl", { class: "facts" }, fact("Portal", org.portal), fact("Organisation ID", org.id), fact("Terms", org.terms_signed ? "signed" : "new ones wait for a signature")),
    h("h2", {}, "Administrators"),
    h("ul", { class: "plain" }, org.admins.map((each) => h("li", {}, each, each === admin && h("small", {}, " (you)")))),
    h("form", { class: "row", onsubmit: async (event) => { event.preventDefault(); if (await done({ act: "add_admin", admin: who.value }, `${who.value} may sign in now.`)) who.value = ""; } }, who, h("button", {}, "Add administrator")),
  ];
}

function mishaps(org) {
  const each = (title, words, button, asked, said, sure) => h("div", { class: "mishap" }, h("div", {}, h("b", {}, title), h("small", {}, words)),
    h("button", { class: "danger", onclick: async () => { if (!sure || await ask({ title, body: sure, yes: button, danger: true })) done(asked, said); } }, button));
  const broken = store.trouble.length > 0;
  return [
    h("h1", {}, "Things that go wrong"),
    h("p", { class: "lead" }, "Not a page of Apple's: make a mishap happen here, and see in Slack what the bot says. What it looks at only now and then comes sooner when you move the clock."),
    h("h2", {}, `At ${org.name}`),
    org.admins.map((who) => each(`${who} changes the password`, "Apple ends every token that this person downloaded.", "Change password", { act: "change_password", admin: who }, `The password of ${who} was changed.`)),
    org.admins.map((who) => each(`The account ${who} is deleted`, "Apple refuses its tokens from then on.", "Delete account", { act: "remove_admin", admin: who }, `The account ${who} is gone.`, "The person cannot sign in any more.")),
    org.terms_signed
      ? each("Apple has new terms", "Its tokens are refused until somebody signs them.", "Put new terms", { act: "change_terms" }, "New terms wait.")
      : h("div", { class: "mishap" }, h("div", {}, h("b", {}, "New terms wait"), h("small", {}, "Its tokens are refused until somebody signs them.")), h("button", { onclick: () => done({ act: "sign_terms" }, "The terms are signed.") }, "Sign them")),
    org.servers.filter((one_) => one_.token).map((one_) => each(`Somebody downloads a token of ${one_.name}`, "Out of curiosity, and without uploading it: the token in use dies.", "Download it", { act: "curious", server: one_.uuid, admin }, "A newer token was downloaded, and is in nobody's hands.")),
    h("h2", {}, "At Apple"),
    broken
      ? h("div", { class: "mishap" }, h("div", {}, h("b", {}, "Apple answers with errors"), h("small", {}, "For every organisation.")), h("button", { onclick: () => done({ act: "recover" }, "Apple works again.") }, "Let it work again"))
      : [each("Apple throttles", "Each call is answered 429, with the wish to wait 5 seconds.", "Throttle", { act: "throttle" }, "Apple throttles."),
        each("Apple is down", "Each call is answered 500.", "Begin an outage", { act: "outage" }, "Apple is down.")],
  ];
}
