// Elements are made here: texts become text nodes, never markup.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "value" || name === "checked" || name === "disabled") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function put(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return node;
}

// A list whose entries are drawn anew only where they changed: open menus stay open.
export class Rows {
  constructor(node) {
    this.node = node;
    this.known = new Map();
  }

  show(entries) {
    const fresh = new Map();
    const nodes = entries.map(({ key, same, draw }) => {
      const old = this.known.get(key);
      const row = old && old.same === same ? old : { same, node: draw() };
      fresh.set(key, row);
      return row.node;
    });
    this.known = fresh;
    nodes.forEach((node, place) => {
      if (this.node.children[place] !== node) this.node.insertBefore(node, this.node.children[place] ?? null);
    });
    while (this.node.children.length > nodes.length) this.node.lastElementChild.remove();
  }
}

export const number = (count) => count.toLocaleString("en-US");

export function size(bytes) {
  return bytes < 1000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(1)} kB`;
}
