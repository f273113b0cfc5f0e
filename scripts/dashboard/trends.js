// The view of charts over time, from the usage by hour, or by day where hours would be too many.

import { Chart } from "./chart.js";
import { saveUsage } from "./csv.js";
import { element } from "./dom.js";
import { fetchUsage, succeeded, usageParameters } from "./figures.js";
import { during, go } from "./fragment.js";
import { compact, milliseconds, money } from "./format.js";

const MOST_HOURS = 8 * 24;
const OUTCOMES = [
  ["Succeeded", "good", succeeded],
  ["Errors", "bad", (row) => row.errors],
  ["Denied", "denied", (row) => row.denials],
  ["Abandoned", "lost", (row) => row.abandoned],
  ["In progress", "progress", (row) => row.inProgress],
];
const CHARTS = [
  { title: "Requests by outcome", kind: "bars", style: "half", format: compact, series: OUTCOMES },
  {
    title: "Latency",
    kind: "lines",
    style: "half",
    format: milliseconds,
    series: [
      ["p50", "good", (row) => row.latencyMs?.p50 ?? null],
      ["p95", "lost", (row) => row.latencyMs?.p95 ?? null],
    ],
  },
  {
    title: "Tokens",
    kind: "bars",
    format: compact,
    series: [
      ["Input", "good", (row) => row.inputTokens],
      ["Output", "denied", (row) => row.outputTokens],
      ["Cache read", "progress", (row) => row.cacheReadInputTokens],
      ["Cache write", "lost", (row) => row.cacheWriteInputTokens],
    ],
  },
  { title: "Estimated cost", kind: "bars", format: money, series: [["Cost", "good", (row) => row.estimatedCostUsd]] },
  { title: "Denials", kind: "bars", format: compact, series: [["Denied", "denied", (row) => row.denials]] },
];

/** Build the view into its place; `refresh` draws it. */
export class TrendsView {
  #state;
  #charts;
  #note;

  constructor(place, state) {
    this.#charts = CHARTS.map((chart) => new Chart({ ...chart, select: (slot) => go(during(slot)) }));
    this.#note = element("span", { class: "muted" });
    place.replaceChildren(
      element(
        "section",
        { "aria-label": "Trends" },
        element(
          "div",
          { class: "tools bare" },
          element("h2", { tabindex: "-1" }, "Trends"),
          this.#note,
          element("span", { class: "space" }),
          element("button", { type: "button", click: () => saveUsage(usageParameters(this.#state, this.#groupBy())) }, "Download CSV"),
        ),
        element("div", { class: "charts" }, ...this.#charts.map((chart) => chart.element)),
      ),
    );
    this.show(state);
  }

  show(state) {
    this.#state = state;
  }

  async refresh(signal) {
    const figures = await fetchUsage(this.#state, this.#groupBy(), signal);
    const { usage, totals } = figures;
    const keys = usage.map((row) => row.key);
    const hint = `by ${this.#groupBy()}; choose a bar to look at its time alone`;
    this.#note.textContent = totals.requests ? hint : "No data yet: nothing crossed in this time.";
    CHARTS.forEach(({ series }, index) => {
      const drawn = series.map(([name, tone, value]) => ({ name, tone, values: usage.map(value), total: value(totals) }));
      this.#charts[index].update(keys, drawn, "total");
    });
    return figures;
  }

  #groupBy() {
    const { timeRange, from, to } = this.#state;
    const hours = from ? ((to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 3_600_000 : { "30d": 720 }[timeRange] ?? 0;
    return hours > MOST_HOURS ? "day" : "hour";
  }
}
