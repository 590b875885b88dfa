// Where blocks stand, a message or a view, and how what is done there is sent.

import { act, send, store } from "./live.js";
import { ask } from "./dialog.js";

export const me = () => new URLSearchParams(location.search).get("as") ?? "operator";
export const does = (asked) => act("/slack/act", { as: me(), ...asked });

// What somebody typed in a form and did not send yet, by view, block and action.
const drafts = new Map();

export const forget = (open) => { for (const view of drafts.keys()) if (!open.has(view)) drafts.delete(view); };

export function messagePlace(message) {
  const where = { channel: message.channel, ts: message.ts };
  return {
    ts: message.ts,
    value: (_, part) => first(part),
    again: () => {},
    press: (block, part, option) => does({ act: "press", ...where, ...spot(block, part), option }),
    change: (block, part, given) => does({ act: "change", ...where, ...spot(block, part), given }),
    suggest: async (block, part, typed) => (await does({ act: "suggest", ...where, ...spot(block, part), typed })).options ?? [],
  };
}

export function viewPlace(view, again) {
  const where = { view: view.id };
  const kept = () => drafts.get(view.id) ?? drafts.set(view.id, new Map()).get(view.id);
  const values = () => [...kept().values()].filter(([block, action]) => view.values[block]?.[action] !== undefined);
  return {
    view: view.id,
    errors: view.errors,
    again,
    values,
    value: (block, part) => kept().get(key(block, part))?.[3] ?? view.values[block.block_id]?.[part.action_id],
    keep: (block, part, given) => kept().set(key(block, part), [block.block_id, part.action_id, given, shape(part, given)]),
    press: (block, part, option) => does({ act: "press", ...where, values: sendable(values()), ...spot(block, part), option }),
    change: (block, part, given) => {
      kept().delete(key(block, part));
      return does({ act: "change", ...where, values: sendable(values()), ...spot(block, part), given });
    },
    put: (block, part, given) => does({ act: "put", ...where, ...spot(block, part), given }),
    suggest: async (block, part, typed) => {
      const offered = (await does({ act: "suggest", ...where, ...spot(block, part), typed })).options ?? [];
      part.offered = offered.flatMap((each) => each.options ?? [each]);
      return offered;
    },
    upload: (block, part, file) => send("/slack/upload", { as: me(), view: view.id, block: block.block_id, action: part.action_id, name: file.name }, file),
    submit: () => does({ act: "submit", ...where, values: sendable(values()) }),
  };
}

const key = (block, part) => `${block.block_id} ${part.action_id}`;
const spot = (block, part) => ({ block: block.block_id, action: part.action_id });
const sendable = (values) => values.map(([block, action, given]) => [block, action, given]);

// A value that was only typed here, in the shape that Slack gives it, so that it can be drawn again.
function shape(part, given) {
  const options = [...(part.options ?? []), ...(part.option_groups ?? []).flatMap((each) => each.options), ...(part.offered ?? [])];
  const of = (value) => options.find((one) => one.value === value);
  switch (part.type) {
    case "static_select": case "external_select": case "radio_buttons": return { selected_option: of(given) };
    case "checkboxes": case "multi_static_select": return { selected_options: given.map(of) };
    case "users_select": return { selected_user: given };
    case "multi_users_select": return { selected_users: given };
    case "channels_select": return { selected_channel: given };
    case "conversations_select": return { selected_conversation: given };
    case "datepicker": return { selected_date: given };
    case "timepicker": return { selected_time: given };
    case "datetimepicker": return { selected_date_time: given };
    default: return { value: given };
  }
}

// What an element under a message begins with.
function first(part) {
  const seeds = Object.entries(part).filter(([name]) => name.startsWith("initial_"));
  return Object.fromEntries(seeds.map(([name, value]) => [name === "initial_value" ? "value" : name.replace("initial_", "selected_"), value]));
}

export async function deleteFile(file) {
  const yes = await ask({ title: "Delete this file?", body: `${file.name} is deleted from Slack for everybody.`, yes: "Delete file", danger: true });
  if (yes) await does({ act: "delete_file", file: file.id });
}

export const fileAddress = (file) => `/slack/file/${file.id}/${encodeURIComponent(file.name)}?as=${me()}`;
export const called = (id) => store.names.people[id]?.name ?? id;
