// Times as people read them, in the zone that the bot goes by.

import { store } from "./live.js";

const zone = () => store.time?.zone ?? "UTC";
const form = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone(), ...options });

export const now = () => new Date(Date.now() + (store.time?.ahead ?? 0) * 1000);

export const clock = (date) => form({ hour: "2-digit", minute: "2-digit" }).format(date);
export const day = (date) => form({ day: "numeric", month: "long", year: "numeric" }).format(date);
export const longDay = (date) => form({ weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(date);
export const shortDay = (date) => form({ weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(date);
export const full = (date) => `${longDay(date)}, ${clock(date)}`;
export const ofTs = (ts) => new Date(Number(ts) * 1000);
export const dayKey = (date) => form({ year: "numeric", month: "2-digit", day: "2-digit" }).format(date);

export function dayWords(date) {
  const days = [0, 1].map((back) => dayKey(new Date(now() - back * 86_400_000)));
  const place = days.indexOf(dayKey(date));
  return ["Today", "Yesterday"][place] ?? longDay(date);
}

export function span(milliseconds) {
  const minutes = Math.round(milliseconds / 60_000);
  const many = (count, unit) => `${count.toLocaleString("en-US")} ${unit}${count === 1 ? "" : "s"}`;
  if (minutes < 1) return "less than a minute";
  if (minutes < 90) return many(minutes, "minute");
  if (minutes < 48 * 60) return many(Math.round(minutes / 60), "hour");
  return many(Math.round(minutes / 1440), "day");
}

// The value of <input type="datetime-local"> for a moment, in the bot's zone.
export function localValue(date) {
  const parts = Object.fromEntries(form({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false }).formatToParts(date).map((part) => [part.type, part.value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour === "24" ? "00" : parts.hour}:${parts.minute}`;
}

// The moment that such a value names: looked for, because zones have rules that change.
export function momentOf(value) {
  const wanted = new Date(`${value}:00Z`).getTime();
  let moment = wanted;
  for (let round = 0; round < 3; round += 1) {
    moment += wanted - new Date(`${localValue(new Date(moment))}:00Z`).getTime();
  }
  return new Date(moment);
}
