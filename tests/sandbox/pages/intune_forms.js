// The two forms in which a token's file is handed in: a new token, and a renewal.

import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { act, save, send, toast } from "./live.js";

const CONSENT = "I agree that Microsoft may send user and device information to Apple";

// What is asked before a form that holds a key is left; true where it may be.
export async function leaveCreate(opened) {
  if (!opened.tab) return true;
  const yes = await ask({ title: "Leave this form?", body: "Its public key is lost with it: a token that was downloaded for it cannot be used any more.", yes: "Leave", danger: true });
  if (yes) await close(opened);
  return yes;
}

async function close(opened) {
  window.onbeforeunload = null;
  await act("/intune/act", { act: "close_create", tab: opened.tab });
}

function parts(tags, chosen, appleId) {
  const apple = h("input", { type: "email", required: true, value: appleId ?? "", placeholder: "it-admin@schools.example" });
  const file = h("input", { type: "file", accept: ".p7m", required: true });
  const boxes = tags.map((tag) => h("input", { type: "checkbox", value: tag.id, checked: chosen.includes(tag.id) }));
  return {
    apple, file,
    picked: () => boxes.filter((box) => box.checked).map((box) => box.value).join(",") || "0",
    label: (words, input, hint) => h("label", { class: "field" }, h("span", {}, words), input, hint && h("small", {}, hint)),
    tags: h("div", { class: "tags", role: "group", "aria-label": "Scope tags" }, tags.map((tag, place) => h("label", { class: "check" }, boxes[place], tag.name))),
  };
}

export function createForm(opened, tags, leave) {
  const { apple, file, picked, label, tags: tagBoxes } = parts(tags, ["0"]);
  const consent = h("input", { type: "checkbox", required: true });
  const name = h("input", { type: "text", required: true, autocomplete: "off" });
  const kind = h("select", {}, h("option", { value: "" }, "Apple Business"), h("option", { value: "yes" }, "Apple School Manager"));
  window.onbeforeunload = (event) => event.preventDefault();
  return h("form", {
    class: "create-form",
    onsubmit: async (event) => {
      event.preventDefault();
      const asked = { tab: opened.tab, name: name.value, apple_id: apple.value, school: kind.value, tags: picked(), consent: consent.checked ? "yes" : "" };
      if ((await send("/intune/token", asked, file.files[0])).error) return;
      await close(opened);
      leave(`${name.value} was created.`);
    },
  },
  h("p", { class: "banner" }, "Keep this tab open until you press Create: the public key belongs to it. Do the part at Apple in another tab."),
  h("fieldset", {}, h("legend", {}, "1. Agree"), h("label", { class: "check" }, consent, CONSENT)),
  h("fieldset", {}, h("legend", {}, "2. Download the public key"),
    h("button", { type: "button", onclick: async () => { const answer = await send("/intune/key", { tab: opened.tab }, ""); if (!answer.error) toast(`Your browser saves ${await save(answer)}.`); } }, "Download your public key"),
    h("small", {}, "Apple wants it when you add a device management service.")),
  h("fieldset", {}, h("legend", {}, "3. Get a token from Apple"),
    h("a", { class: "button", href: "/apple#section=services", target: "_blank", rel: "noopener" }, "Go to Apple in another tab"),
    label("Portal", kind), label("Apple ID", apple, "The one that downloaded the token."), label("Token name", name, "The same as in Slack.")),
  h("fieldset", {}, h("legend", {}, "4. Upload the token"), label("Apple token (.p7m)", file), h("span", {}, "Scope tags"), tagBoxes),
  h("div", { class: "row" }, h("button", { class: "primary" }, "Create"),
    h("button", { type: "button", onclick: async () => { if (await leaveCreate(opened)) leave(""); } }, "Cancel")));
}

export function renewForm(token, tags, leave) {
  const { apple, file, picked, label, tags: tagBoxes } = parts(tags, token.tags, token.apple_id);
  return h("form", {
    class: "create-form",
    onsubmit: async (event) => {
      event.preventDefault();
      const asked = { token: token.id, apple_id: apple.value, tags: picked() };
      if ((await send("/intune/token", asked, file.files[0])).error) return;
      leave(`${token.name} was renewed.`);
    },
  },
  h("fieldset", {}, h("legend", {}, "1. Get a newer token from Apple"),
    h("a", { class: "button", href: "/apple#section=services", target: "_blank", rel: "noopener" }, "Go to Apple in another tab"),
    h("small", {}, "Open its service there and press Download Token. This ends the token in use."),
    label("Apple ID", apple, "The one that downloaded the token.")),
  h("fieldset", {}, h("legend", {}, "2. Upload it"), label("Apple token (.p7m)", file), h("span", {}, "Scope tags"), tagBoxes),
  h("div", { class: "row" }, h("button", { class: "primary" }, "Renew token"), h("button", { type: "button", onclick: () => leave("") }, "Cancel")));
}
