// The line of totals above every view.

import { byId, element } from "./dom.js";
import { bytes, compact, milliseconds, money, number, percent } from "./format.js";

/** Show the totals of a time; of an empty object, that they are not known yet. */
export function showTotals(totals) {
  const share = (count) => (totals.requests ? percent(count / totals.requests) : "");
  const unpriced = totals.unpricedRequests ? `${number(totals.unpricedRequests)} without a price` : "by the policy's prices";
  const tiles = [
    ["Requests", compact(totals.requests), totals.inProgress ? `${number(totals.inProgress)} in progress` : ""],
    ["Errors", compact(totals.errors), share(totals.errors), totals.errors && "bad"],
    ["Denied", compact(totals.denials), share(totals.denials), totals.denials && "denied"],
    ["Abandoned", compact(totals.abandoned), share(totals.abandoned), totals.abandoned && "lost"],
    ["Latency p50", milliseconds(totals.latencyMs?.p50), `p95 ${milliseconds(totals.latencyMs?.p95)}`],
    ["Input tokens", compact(totals.inputTokens), `${compact(totals.outputTokens)} output`],
    ["Bytes sent", bytes(totals.requestBytes), `${bytes(totals.responseBytes)} came back`],
    ["Estimated cost", money(totals.estimatedCostUsd), unpriced],
  ];
  byId("totals").replaceChildren(
    ...tiles.map(([name, value, second, tone]) =>
      element("div", { class: tone || null }, element("dt", {}, name), element("dd", { class: "value" }, value), element("dd", { class: "muted" }, second)),
    ),
  );
}
