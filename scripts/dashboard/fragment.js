// What is looked at is in the URL's fragment: it can be shared, and the back button goes back. It never goes to a server.

/** Filters of the API's list of requests; the API checks their values. */
export const FILTERS = [
  ...["timeRange", "from", "to", "state", "success", "status", "decision"],
  ...["model", "caller", "classification", "partition"],
];
/** Those that `GET /dashboard/usage` knows as well. */
export const USAGE_FILTERS = ["timeRange", "from", "to", "model", "caller", "classification"];
/** Those that say when. */
export const TIME_FILTERS = ["timeRange", "from", "to"];
const PLACES = ["view", "limit", "page", "cursor", "request"];
const VIEWS = ["requests", "trends", "usage"];

/** The fragment as an object with the names above, each a text; `view` is always there. */
export function current() {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = {};
  for (const name of [...FILTERS, ...PLACES]) {
    const value = (given.get(name) ?? given.get({ model: "modelId", caller: "callerArn" }[name] ?? ""))?.trim();
    if (value) found[name] = value;
  }
  if (!VIEWS.includes(found.view)) found.view = VIEWS[0];
  return found;
}

/** The fragment after some changes; null takes a name away. Other filters begin at the first page. */
export function changed(changes) {
  const next = { ...current(), ...changes };
  if (Object.keys(changes).some((name) => FILTERS.includes(name) || name === "limit")) {
    delete next.page;
    delete next.cursor;
  }
  const kept = Object.entries(next).filter(([name, value]) => value && !(name === "view" && value === VIEWS[0]));
  return `#${new URLSearchParams(kept)}`;
}

/** Go there. */
export function go(changes) {
  location.hash = changed(changes);
}

/** The part of the state that names these filters. */
export function picked(state, names) {
  return Object.fromEntries(names.filter((name) => name in state).map((name) => [name, state[name]]));
}

/** How many filters narrow the list, apart from time. */
export function narrowing(state) {
  return FILTERS.filter((name) => name in state && !TIME_FILTERS.includes(name)).length;
}

/** Changes that narrow time to one slot of a chart. */
export const during = (slot) => ({ timeRange: null, from: slot.start.toISOString(), to: slot.end.toISOString() });

/** A fragment without any filter. */
export const withoutFilters = () => changed(Object.fromEntries(FILTERS.map((name) => [name, null])));
