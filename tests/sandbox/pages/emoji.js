// The emoji that messages name; any other name is shown as Slack shows unknown ones.

export const EMOJI = {
  alarm_clock: "⏰", arrow_down: "⬇️", arrow_right: "➡️", arrow_up: "⬆️", arrows_counterclockwise: "🔄",
  bell: "🔔", bulb: "💡", calendar: "📆", chart_with_upwards_trend: "📈", clock3: "🕒", eyes: "👀",
  file_folder: "📁", fire: "🔥", gear: "⚙️", handshake: "🤝", heavy_check_mark: "✔️", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", information_source: "ℹ️", key: "🔑", large_blue_circle: "🔵",
  large_green_circle: "🟢", large_orange_circle: "🟠", large_red_circle: "🔴", large_yellow_circle: "🟡",
  link: "🔗", lock: "🔒", mag: "🔍", memo: "📝", no_entry: "⛔", no_entry_sign: "🚫", package: "📦",
  paperclip: "📎", pencil2: "✏️", point_right: "👉", question: "❓", raised_hand: "✋", red_circle: "🔴", repeat: "🔁",
  rotating_light: "🚨", speech_balloon: "💬", spiral_calendar_pad: "🗓️", stopwatch: "⏱️", tada: "🎉",
  thumbsup: "👍", "+1": "👍", unlock: "🔓", warning: "⚠️", wastebasket: "🗑️", wave: "👋",
  white_check_mark: "✅", white_circle: "⚪", x: "❌", zap: "⚡", zzz: "💤",
};

export const emoji = (name) => EMOJI[name] ?? `:${name}:`;
