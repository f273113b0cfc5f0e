// The form of filters. It writes to the fragment, and shows what the fragment says.

import { Trouble } from "./api.js";
import { byId, element } from "./dom.js";
import { fetchUsage } from "./figures.js";
import { FILTERS, TIME_FILTERS, current, go, narrowing, picked, withoutFilters } from "./fragment.js";

const ANY = ["", "Any"];
const CHOICES = {
  timeRange: [["1h", "Last hour"], ["24h", "Last 24 hours"], ["7d", "Last 7 days"], ["30d", "Last 30 days"], ["custom", "From … to …"]],
  state: [ANY, ["STARTED", "In progress"], ["COMPLETED", "Completed"], ["FAILED", "Failed"], ["DENIED", "Denied"], ["ABANDONED", "Abandoned"]],
  success: [ANY, ["true", "Yes"], ["false", "No"]],
  decision: [ANY, ["ALLOW", "Allowed"], ["DENY", "Denied"]],
  partition: [ANY, ["commercial", "Commercial"], ["govcloud", "GovCloud"]],
};
const FIELDS = [
  ["timeRange", "Time"],
  ["from", "From"],
  ["to", "To"],
  ["state", "State"],
  ["success", "Success"],
  ["decision", "Decision"],
  ["status", "Status", "429, error"],
  ["model", "Model", "exact id"],
  ["caller", "Caller", "exact ARN"],
  ["classification", "Classification", "exact label"],
  ["partition", "Destination"],
];
const STATUSES = ["success", "error", "denied", "started", "abandoned", "200", "400", "403", "404", "424", "429", "500", "502", "503", "504"];
const SUGGESTED = ["model", "caller", "classification"];
const DEFAULT_RANGE = "24h";
const OPEN_FROM = "(min-width: 46rem)";

/** Build the form. */
export function buildFilters() {
  const form = byId("filter-form");
  form.append(...FIELDS.map(field), clearLink());
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => go(changeOf(event.target, form)));
  form.addEventListener("focusin", (event) => suggestUsed(event.target.name));
  suggest("status", STATUSES);
  byId("filters").open = matchMedia(OPEN_FROM).matches;
}

/** Show in the form what the fragment says. */
export function showFilters(state) {
  const form = byId("filter-form");
  const custom = "from" in state || "to" in state;
  for (const name of FILTERS) {
    const input = form.elements[name];
    let value = state[name] ?? "";
    if (name === "timeRange") value = custom ? "custom" : value || DEFAULT_RANGE;
    if (name === "from" || name === "to") {
      value = value && toLocal(value);
      input.closest(".field").hidden = !custom;
    }
    // A value of a foreign link that no choice stands for is shown all the same: the API says what is wrong with it.
    if (input.tagName === "SELECT" && ![...input.options].some((option) => option.value === value)) {
      input.append(element("option", { value }, value));
    }
    if (input.value !== value) input.value = value;
    if (input.type === "text") input.title = value;
    input.closest(".field").classList.toggle("set", Boolean(state[name]) && name !== "timeRange");
  }
  const count = narrowing(state);
  byId("filter-count").textContent = count ? `${count} set` : "";
  const clear = byId("clear-filters");
  clear.href = withoutFilters();
  clear.hidden = !count && !custom;
}

// Offer what was used in this time.
async function suggestUsed(name) {
  if (!SUGGESTED.includes(name)) return;
  try {
    const { usage } = await fetchUsage(picked(current(), TIME_FILTERS), name);
    suggest(name, usage.map((row) => row.key));
  } catch (error) {
    if (!(error instanceof Trouble)) throw error; // the view says what is wrong; the field takes what is typed
  }
}

function suggest(name, values) {
  byId(`${name}-values`).replaceChildren(...values.slice(0, 200).map((value) => element("option", { value })));
}

function field([name, label, hint]) {
  const id = `filter-${name}`;
  return element("div", { class: `field field-${name}` }, element("label", { for: id }, label), ...control(name, id, hint));
}

function control(name, id, hint) {
  if (CHOICES[name]) {
    return [element("select", { id, name }, ...CHOICES[name].map(([value, text]) => element("option", { value }, text)))];
  }
  if (!hint) return [element("input", { id, name, type: "datetime-local", step: "1" })];
  const attributes = { id, name, type: "text", placeholder: hint, list: `${name}-values`, spellcheck: "false", autocapitalize: "off" };
  return [element("input", attributes), element("datalist", { id: `${name}-values` })];
}

function clearLink() {
  return element("a", { id: "clear-filters", class: "button quiet", href: "#", hidden: true }, "Clear filters");
}

function changeOf(input, form) {
  if (input.name === "timeRange") {
    if (input.value !== "custom") return { timeRange: input.value === DEFAULT_RANGE ? null : input.value, from: null, to: null };
    const dayAgo = new Date(Date.now() - 86_400_000);
    dayAgo.setSeconds(0, 0);
    return { timeRange: null, from: dayAgo.toISOString() };
  }
  if (input.name === "from" || input.name === "to") {
    // The API takes one end alone; with none it is the default range again.
    const value = input.value && new Date(input.value).toISOString();
    return { timeRange: null, [input.name]: value || null };
  }
  return { [input.name]: form.elements[input.name].value.trim() || null };
}

// A moment as the browser's field for local times wants it.
function toLocal(text) {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return "";
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}
