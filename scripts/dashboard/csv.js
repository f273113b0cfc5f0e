// Saves what is shown as CSV, from the API's own CSV, page by page into a file that the browser keeps outside of its memory.

import { askCsv, troubleFrom } from "./api.js";
import { announce, byId, element } from "./dom.js";
import { FILTERS, picked } from "./fragment.js";
import { panel } from "./troubles.js";

const ROWS_PER_PAGE = "1000";
const MOST_PAGES = 200;
const MORE_RECORDS = "There are more records than one file takes; it holds the newest. For the others choose a “to” before its last line.";
const NOT_COMPLETE = "Figures are not complete: part of this time is not summed up yet, and not in the file. It is within minutes.";

/** Save every request that the filters let through. The button turns into one that stops. */
export async function saveRequests(button, state) {
  if (button.stop) {
    button.stop.abort();
    return;
  }
  const label = button.textContent;
  button.stop = new AbortController();
  try {
    await save("requests", (progress) => allPages(picked(state, FILTERS), button.stop.signal, progress), (pages) => {
      button.textContent = `Stop (${pages * Number(ROWS_PER_PAGE)} rows)`;
    });
  } finally {
    delete button.stop;
    button.textContent = label;
  }
}

/** Save one table of usage. */
export async function saveUsage(parameters) {
  await save(`usage-by-${parameters.groupBy}`, async () => {
    const { blob, complete } = await askCsv("/api/dashboard/usage", parameters);
    return { parts: [blob], missing: complete ? null : NOT_COMPLETE };
  });
}

async function save(name, fetchParts, progress = undefined) {
  byId("notices").querySelector(".csv-note")?.remove();
  try {
    const { parts, missing } = await fetchParts(progress);
    offer(new Blob(parts, { type: "text/csv" }), name);
    announce("The CSV file is saved", { urgent: true });
    if (missing) note(missing);
  } catch (error) {
    if (error.name === "AbortError") note("The download was stopped; nothing was saved.");
    else byId("trouble").replaceChildren(panel(troubleFrom(error)));
  }
}

async function allPages(parameters, signal, progress) {
  const parts = [];
  let cursor = null;
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const asked = { ...parameters, limit: ROWS_PER_PAGE, ...(cursor ? { cursor } : {}) };
    const { blob, nextCursor } = await askCsv("/api/dashboard/requests", asked, signal);
    parts.push(page === 1 ? blob : await withoutHeader(blob));
    cursor = nextCursor;
    if (!cursor) return { parts, missing: null };
    progress(page);
  }
  return { parts, missing: MORE_RECORDS };
}

// Names of attributes need no quotes, so that the first line of the file is the first line of the table.
async function withoutHeader(blob) {
  const start = await blob.slice(0, 65_536).text();
  return blob.slice(new Blob([start.slice(0, start.indexOf("\n") + 1)]).size);
}

function offer(blob, name) {
  const url = URL.createObjectURL(blob);
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "");
  element("a", { href: url, download: `${name}-${time}Z.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function note(text) {
  byId("notices").append(element("p", { class: "notice csv-note" }, text));
  announce(text, { urgent: true });
}
