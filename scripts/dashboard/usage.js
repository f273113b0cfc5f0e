// The view of usage: who and what it went to. Each name leads to its requests.

import { saveUsage } from "./csv.js";
import { element } from "./dom.js";
import { fetchUsage, succeeded, usageParameters } from "./figures.js";
import { bytes, compact, milliseconds, money, number, principal } from "./format.js";
import { changed } from "./fragment.js";

const MOST_ROWS = 100;
const REST = "(others)"; // the API's sum of the rows that are too many
const GROUPS = [
  ["model", "Model"],
  ["caller", "Caller"],
  ["classification", "Classification"],
];
const COLUMNS = [
  ["Requests", (row) => number(row.requests)],
  ["Succeeded", (row) => number(succeeded(row))],
  ["Errors", (row) => number(row.errors)],
  ["Denied", (row) => number(row.denials)],
  ["Abandoned", (row) => number(row.abandoned)],
  ["p50", (row) => milliseconds(row.latencyMs?.p50)],
  ["p95", (row) => milliseconds(row.latencyMs?.p95)],
  ["Tokens in", (row) => compact(row.inputTokens)],
  ["Tokens out", (row) => compact(row.outputTokens)],
  ["Bytes out", (row) => bytes(row.requestBytes)],
  ["Bytes back", (row) => bytes(row.responseBytes)],
  ["Est. cost", (row) => (row.requests > 0 && row.unpricedRequests === row.requests ? "no price" : money(row.estimatedCostUsd))],
];

/** Build the view into its place; `refresh` fills it. */
export class UsageView {
  #state;
  #bodies = {};

  constructor(place, state) {
    place.replaceChildren(...GROUPS.map(([group, title]) => this.#section(group, title)));
    this.show(state);
  }

  show(state) {
    this.#state = state;
  }

  async refresh(signal) {
    const answers = await Promise.all(GROUPS.map(([group]) => fetchUsage(this.#state, group, signal)));
    GROUPS.forEach(([group], index) => this.#fill(group, answers[index].usage));
    return { ...answers[0], complete: answers.every((answer) => answer.complete) };
  }

  #section(group, title) {
    const heading = `By ${title.toLowerCase()}`;
    const body = element("tbody");
    const more = element("span", { class: "muted" });
    this.#bodies[group] = { body, more };
    return element(
      "section",
      { class: "card", "aria-label": heading },
      element(
        "div",
        { class: "tools" },
        element("h2", { tabindex: "-1" }, heading),
        more,
        element("span", { class: "space" }),
        element("button", { type: "button", "aria-label": `Download CSV ${heading.toLowerCase()}`, click: () => saveUsage(usageParameters(this.#state, group)) }, "Download CSV"),
      ),
      element(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": `Usage ${heading.toLowerCase()}` },
        element(
          "table",
          { class: "usage" },
          element("thead", {}, element("tr", {}, element("th", { scope: "col" }, title), ...COLUMNS.map(([name]) => element("th", { scope: "col", class: "number" }, name)))),
          body,
        ),
      ),
    );
  }

  #fill(group, usage) {
    const { body, more } = this.#bodies[group];
    const focused = body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.key : null;
    const most = Math.max(1, ...usage.map((row) => row.requests));
    const rows = usage.slice(0, MOST_ROWS).map((row) => {
      const name = group === "caller" ? principal(row.key) : row.key;
      const link = row.key === REST ? "all others" : element("a", { href: changed({ view: null, [group]: row.key }), title: row.key }, name);
      const share = element("meter", { min: "0", max: String(most), value: String(row.requests), "aria-hidden": "true" });
      return element(
        "tr",
        { "data-key": row.key },
        element("th", { scope: "row" }, link, share),
        ...COLUMNS.map(([, text]) => element("td", { class: "number" }, text(row))),
      );
    });
    if (!rows.length) rows.push(element("tr", {}, element("td", { colspan: String(COLUMNS.length + 1), class: "muted" }, "No data yet in this time.")));
    body.replaceChildren(...rows);
    rows.find((row) => focused !== null && row.dataset.key === focused)?.querySelector("a")?.focus({ preventScroll: true });
    more.textContent = usage.length > MOST_ROWS ? `the ${MOST_ROWS} with most requests of ${number(usage.length)}; the CSV has all` : "";
  }
}
