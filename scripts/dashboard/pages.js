// Pages of requests. Only one is ever kept: however many records there are, the browser holds some dozens.

import { ask } from "./api.js";
import { FILTERS, picked } from "./fragment.js";

export const DEFAULT_LIMIT = "50";
const MOST_ROUNDS = 5;

/** One page: `requests`, `nextCursor`, and what the API said of all that match.
 *
 * The API reads a bounded part of its index at a time, so a page may come back short, even empty, and yet have a next one. A few
 * such parts make one page here; `searching` says that there is more to look through.
 */
export async function fetchPage(state, cursor, signal) {
  const limit = Number(state.limit ?? DEFAULT_LIMIT);
  const page = { requests: [], nextCursor: cursor };
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const parameters = { ...picked(state, FILTERS), limit: state.limit ?? DEFAULT_LIMIT };
    if (round > 0) parameters.limit = String(limit - page.requests.length);
    if (page.nextCursor) parameters.cursor = page.nextCursor;
    const answer = await ask("/api/dashboard/requests", "requests", parameters, signal);
    page.requests.push(...answer.requests);
    page.nextCursor = answer.nextCursor ?? null;
    if (round === 0) Object.assign(page, { total: answer.totalCount, exact: answer.totalCountIsExact });
    if (!page.nextCursor || page.requests.length >= limit) break;
  }
  page.searching = Boolean(page.nextCursor) && page.requests.length < limit;
  return page;
}
