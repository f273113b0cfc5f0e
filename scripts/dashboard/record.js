// One request, in a dialog: every attribute its record has, grouped and explained.

import { ask, troubleFrom } from "./api.js";
import { grouped } from "./attributes.js";
import { byId, element } from "./dom.js";
import { changed, go } from "./fragment.js";
import { badge, outcomeOf } from "./outcomes.js";
import { panel } from "./troubles.js";

let shown = null;
let openedFrom = null;

/** Open the dialog for the id that the fragment names, or close it. */
export async function showRecord(requestId) {
  const dialog = byId("record");
  if (!requestId) {
    if (dialog.open) dialog.close();
    return;
  }
  if (shown === requestId && dialog.open) return;
  shown = requestId;
  build(dialog, requestId);
  if (dialog.open) {
    byId("record-title").focus(); // from a record to the one that caused it
  } else {
    openedFrom = document.activeElement;
    dialog.showModal();
  }
  await load(dialog, requestId);
}

/** Let Escape, the button and a click beside the dialog close it; the focus goes back to where it was. */
export function wireRecord() {
  const dialog = byId("record");
  dialog.addEventListener("close", () => {
    shown = null;
    if (new URLSearchParams(location.hash.slice(1)).has("request")) go({ request: null });
    const row = openedFrom?.isConnected ? openedFrom : byId("view").querySelector("h2");
    row?.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

async function load(dialog, requestId) {
  let content;
  try {
    const { request } = await ask(`/api/dashboard/requests/${encodeURIComponent(requestId)}`, "request");
    content = recordParts(request);
  } catch (error) {
    content = [panel(troubleFrom(error), () => load(dialog, requestId))];
  }
  if (shown === requestId) fill(...content);
}

function fill(...content) {
  byId("record-body").replaceChildren(...content);
}

function build(dialog, requestId) {
  dialog.replaceChildren(
    element(
      "header",
      {},
      element("div", {}, element("h2", { id: "record-title", tabindex: "-1" }, "Request"), element("p", { class: "mono muted" }, requestId)),
      element("button", { type: "button", class: "quiet", autofocus: true, click: () => dialog.close() }, "Close"),
    ),
    element(
      "div",
      { id: "record-body", class: "record-body", tabindex: "0", role: "group", "aria-label": "Attributes" },
      element("p", { class: "muted" }, "Loading …"),
    ),
  );
}

function recordParts(record) {
  const { meaning } = outcomeOf(record);
  return [
    element("p", { class: "verdict" }, badge(record), element("strong", {}, record.operation), element("span", {}, meaning)),
    ...grouped(record).map(([title, attributes]) =>
      element("section", {}, element("h3", {}, title), element("dl", { class: "attributes" }, ...attributes.map(attribute))),
    ),
    element("details", {}, element("summary", {}, "As JSON"), element("pre", { tabindex: "0" }, JSON.stringify(record, null, 2))),
  ];
}

function attribute([name, label, explanation, text]) {
  const value = name === "parentRequestId" ? element("a", { href: changed({ request: text }) }, text) : text;
  return element(
    "div",
    { "data-attribute": name },
    element("dt", {}, label),
    element("dd", {}, element("span", { class: "value" }, value), explanation && element("span", { class: "muted" }, explanation)),
  );
}
