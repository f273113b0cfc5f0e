// Builds elements. What records say is only ever text: nothing is parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element; attributes that are null or false are left out, functions listen to the event of their name. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same, of SVG. */
export function drawn(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** The element of the page with this id. */
export const byId = (id) => document.getElementById(id);

let announcedAt = -Infinity;

/** Have a screen reader say something in its own time; what is not urgent is said every ten seconds at most. */
export function announce(text, { urgent = false } = {}) {
  if (!urgent && performance.now() - announcedAt < 10_000) return;
  announcedAt = performance.now();
  byId("announcer").textContent = text;
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}
