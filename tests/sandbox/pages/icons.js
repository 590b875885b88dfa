// The page's own pictures: drawn, so that they look the same wherever there is no emoji font.

const SHAPES = {
  ticket: "M3 8h18v3a1.5 1.5 0 0 0 0 3v3H3v-3a1.5 1.5 0 0 0 0-3z M14 8v9",
  clock: "M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16z M12 8v4.5l3 2",
  reply: "M4 5h16v11H11l-4 4v-4H4z",
  file: "M6 3h8l4 4v14H6z M14 3v4h4 M9 12h6 M9 16h6",
  picture: "M4 5h16v14H4z M4 16l5-5 4 4 2-2 5 5 M15.5 9.5a1 1 0 1 0 .01 0",
  eye: "M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6z M12 9.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 0 0 0-5z",
  send: "M4 12l16-8-6 16-3-6z M11 14l9-10",
  bolt: "M13 3L5 14h6l-1 7 8-11h-6z",
  menu: "M4 6h16 M4 12h16 M4 18h16",
  lock: "M6 11h12v9H6z M8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  more: "M5 12h.01 M12 12h.01 M19 12h.01",
};

export function icon(name) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("class", `icon icon-${name}`);
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  picture.append(path);
  return picture;
}
