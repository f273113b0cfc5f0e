// Rows of the table of requests. A row stays the same element while its record changes, so that focus and place stay, too.

import { account } from "./attributes.js";
import { element } from "./dom.js";
import { NONE, compact, fullUtc, localTime, milliseconds, principal, utcTime } from "./format.js";
import { badge } from "./outcomes.js";

const NEW_FOR_MS = 6_000;
const FILLED_WITH = new WeakMap(); // what each row shows, so that only those that changed are built anew

export const COLUMNS = [
  ["Time", "col-time"],
  ["Outcome", "col-outcome"],
  ["Model", "col-model"],
  ["Caller", "col-caller"],
  ["Classification", "col-class"],
  ["Latency", "col-latency number"],
  ["Tokens", "col-tokens number"],
];

/** The rows of a table's body, by request id. */
export class Rows {
  #body;
  #open;
  #rows = new Map();

  constructor(body, open) {
    this.#body = body;
    this.#open = open;
    body.addEventListener("click", (event) => this.#clicked(event));
    body.addEventListener("keydown", (event) => this.#moved(event));
  }

  get ids() {
    return [...this.#rows.keys()];
  }

  has(requestId) {
    return this.#rows.has(requestId);
  }

  /** Show exactly these records; `highlight` marks those that were not there. */
  replace(records, { highlight = false } = {}) {
    const before = this.#rows;
    this.#rows = new Map();
    let place = this.#body.firstElementChild;
    for (const record of records) {
      const row = before.get(record.requestId) ?? this.#created(record, highlight);
      fill(row, record);
      this.#rows.set(record.requestId, row);
      if (row === place) place = place.nextElementSibling;
      else this.#body.insertBefore(row, place);
    }
    for (const [requestId, row] of before) if (!this.#rows.has(requestId)) row.remove();
  }

  /** Show what became of records that are here already. */
  update(records) {
    for (const record of records) if (this.#rows.has(record.requestId)) fill(this.#rows.get(record.requestId), record);
  }

  #created(record, highlight) {
    const row = element("tr", { "data-id": record.requestId });
    if (highlight) {
      row.classList.add("new");
      setTimeout(() => row.classList.remove("new"), NEW_FOR_MS);
    }
    return row;
  }

  #clicked(event) {
    const row = event.target.closest("tr");
    if (!row || String(getSelection())) return; // somebody is copying text
    row.querySelector("button").focus({ preventScroll: true });
    this.#open(row.dataset.id);
  }

  #moved(event) {
    const buttons = [...this.#body.querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || !buttons[to]) return;
    event.preventDefault();
    buttons[to].focus();
  }
}

function fill(row, record) {
  const text = JSON.stringify(record);
  if (FILLED_WITH.get(row) === text) return;
  FILLED_WITH.set(row, text);
  const time = row.querySelector("button") ?? element("button", { type: "button", class: "link" });
  time.replaceChildren(localTime(record.timestamp));
  time.title = fullUtc(record.timestamp);
  const status = [record.statusCode, record.errorCode].filter(Boolean).join(" ");
  const label = record.classification ?? NONE;
  const cached = record.cacheReadInputTokens ? `${compact(record.cacheReadInputTokens)} cached` : "";
  const cells = [
    [time, utcTime(record.timestamp)],
    [badge(record), status],
    [record.modelId ?? NONE, record.operation],
    [element("span", { title: record.callerArn }, principal(record.callerArn)), account(record)],
    [label, record.decisionRule],
    [milliseconds(record.latency), record.upstreamLatencyMs ? `Bedrock ${milliseconds(record.upstreamLatencyMs)}` : ""],
    [tokens(record), cached],
  ];
  // The button stays in place, for it may have the focus.
  const first = row.firstElementChild ?? row.appendChild(cell("th", 0, cells[0]));
  first.lastElementChild.textContent = utcTime(record.timestamp);
  while (first.nextElementSibling) first.nextElementSibling.remove();
  row.append(...cells.slice(1).map((lines, index) => cell("td", index + 1, lines)));
}

function cell(tag, column, [main, second]) {
  const lines = [element("div", { class: "main" }, main), element("div", { class: "second" }, second ?? "")];
  return element(tag, { class: COLUMNS[column][1], scope: tag === "th" ? "row" : null }, ...lines);
}

function tokens(record) {
  if (record.inputTokens === undefined && record.outputTokens === undefined) return NONE;
  return `${compact(record.inputTokens)} → ${compact(record.outputTokens)}`;
}
