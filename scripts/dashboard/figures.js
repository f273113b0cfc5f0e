// Sums of what crossed, by model, caller, classification, hour or day.

import { ask } from "./api.js";
import { USAGE_FILTERS, picked } from "./fragment.js";

/** What the API is asked for these filters. */
export function usageParameters(state, groupBy) {
  return { ...picked(state, USAGE_FILTERS), groupBy };
}

/** The API's answer: `usage` (a row for each key), `totals`, `complete`. */
export function fetchUsage(state, groupBy, signal = undefined) {
  return ask("/api/dashboard/usage", "usage", usageParameters(state, groupBy), signal);
}

/** Requests that went well: the API names all others. */
export function succeeded(row) {
  return Math.max(0, row.requests - row.errors - row.denials - row.abandoned - row.inProgress);
}
