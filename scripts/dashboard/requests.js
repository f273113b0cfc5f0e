// The view of requests: newest first, a page at a time, and what is new comes by itself.

import { announce, byId, element } from "./dom.js";
import { saveRequests } from "./csv.js";
import { changed, go, narrowing, withoutFilters } from "./fragment.js";
import { number } from "./format.js";
import { DEFAULT_LIMIT, fetchPage } from "./pages.js";
import { COLUMNS, Rows } from "./rows.js";

const LIMITS = ["25", "50", "100", "200"];

/** Build the view into its place and keep it up to date: `refresh` is called again and again. */
export class RequestsView {
  #state;
  #rows;
  #parts = {};
  #loaded = false;
  #seen = null; // ids of the newest page when the reader last saw it
  #waiting = null; // the newest page, while the reader's place is kept
  #cursors = new Map();

  constructor(place, state) {
    const part = this.#parts;
    part.heading = element("h2", { tabindex: "-1" }, "Requests");
    part.range = element("span", { class: "muted", id: "range" });
    part.fresh = element("button", { type: "button", class: "fresh", hidden: true, click: () => this.#showNewest() });
    part.limit = element(
      "select",
      { id: "limit", change: (event) => go({ limit: event.target.value === DEFAULT_LIMIT ? null : event.target.value }) },
      ...LIMITS.map((limit) => element("option", { value: limit }, limit)),
    );
    part.first = element("a", { class: "button quiet" }, "Newest");
    part.previous = element("a", { class: "button quiet" }, "Previous");
    part.next = element("a", { class: "button quiet" }, "Next");
    part.body = element("tbody");
    part.table = element(
      "table",
      { class: "requests", "aria-label": "Requests, newest first" },
      element("thead", {}, element("tr", {}, ...COLUMNS.map(([name, style]) => element("th", { scope: "col", class: style }, name)))),
      part.body,
    );
    part.table.hidden = true; // until there is something in it
    for (const anchor of [part.first, part.previous, part.next]) link(anchor, null);
    part.none = element("div", { class: "empty", hidden: true });
    this.#rows = new Rows(part.body, (request) => go({ request }));
    place.replaceChildren(
      element(
        "section",
        { class: "card", "aria-label": "Requests" },
        element(
          "div",
          { class: "tools" },
          part.heading,
          part.range,
          part.fresh,
          element("span", { class: "space" }),
          element("label", { class: "inline" }, "Rows ", part.limit),
          element("span", { class: "pager", role: "group", "aria-label": "Pages" }, part.first, part.previous, part.next),
          element("button", { type: "button", id: "csv", click: (event) => saveRequests(event.target, this.#state) }, "Download CSV"),
        ),
        part.table,
        part.none,
      ),
    );
    this.show(state);
  }

  /** Another page or other filters: what is there goes away with the next refresh. */
  show(state) {
    this.#state = state;
    this.#loaded = false;
    this.#waiting = null;
    if (state.cursor) {
      this.#cursors.set(this.#page, state.cursor);
    } else {
      this.#seen = null;
      this.#cursors.clear();
    }
    this.#parts.fresh.hidden = true;
    this.#parts.table.setAttribute("aria-busy", "true");
    const { limit } = this.#parts;
    limit.value = state.limit ?? DEFAULT_LIMIT;
  }

  /** Ask for what is new, and show it if that takes nobody's place away. */
  async refresh(signal) {
    const page = await fetchPage(this.#state, this.#loaded ? null : this.#state.cursor, signal);
    if (!this.#loaded) {
      this.#render(page);
    } else if (this.#keepsPlace()) {
      this.#rows.update(page.requests);
      this.#hold(page);
    } else {
      this.#render(page, { highlight: true });
    }
  }

  get #page() {
    return Math.max(1, Number.parseInt(this.#state.page, 10) || 1);
  }

  #render(page, { highlight = false } = {}) {
    const added = page.requests.filter((record) => !this.#rows.has(record.requestId)).length;
    this.#rows.replace(page.requests, { highlight });
    this.#loaded = true;
    this.#waiting = null;
    if (this.#page === 1) this.#seen = idsOf(page);
    const { table, none, fresh } = this.#parts;
    fresh.hidden = true;
    table.removeAttribute("aria-busy");
    table.hidden = page.requests.length === 0;
    none.hidden = page.requests.length > 0;
    if (!page.requests.length) none.replaceChildren(...this.#emptiness(page));
    this.#showPager(page);
    if (highlight && added) announce(`${added} new request${added === 1 ? "" : "s"}`);
    if (!highlight) announce(`${page.requests.length} requests shown`);
  }

  #showPager(page) {
    const { range, first, previous, next } = this.#parts;
    const limit = Number(this.#state.limit ?? DEFAULT_LIMIT);
    const begin = (this.#page - 1) * limit + 1;
    const total = typeof page.total === "number" ? ` of ${page.exact ? "" : "more than "}${number(page.total)}` : "";
    const place = this.#page > 1 ? `page ${number(this.#page)}, ${number(page.requests.length)} rows` : `${number(begin)}–${number(page.requests.length)}`;
    range.textContent = page.requests.length ? `${place}${total}` : "";
    link(first, this.#page > 1 && { page: null, cursor: null });
    link(previous, this.#page > 1 && (this.#page === 2 || this.#cursors.has(this.#page - 1)) && this.#turned(-1));
    link(next, page.nextCursor && { page: String(this.#page + 1), cursor: page.nextCursor });
  }

  #turned(by) {
    const page = this.#page + by;
    return page === 1 ? { page: null, cursor: null } : { page: String(page), cursor: this.#cursors.get(page) };
  }

  // Whoever reads further down, has a row in hand or marks text would lose the place if rows came in above.
  #keepsPlace() {
    const { body, table } = this.#parts;
    const header = document.querySelector(".top").getBoundingClientRect().bottom;
    return (
      this.#page > 1 ||
      body.contains(document.activeElement) ||
      byId("record").open ||
      (!table.hidden && table.getBoundingClientRect().top < header) ||
      (String(getSelection()) && body.contains(getSelection().anchorNode))
    );
  }

  #hold(page) {
    this.#seen ??= idsOf(page);
    this.#waiting = page;
    const count = page.requests.filter((record) => !this.#seen.has(record.requestId)).length;
    const text = `${count}${count === page.requests.length ? " or more" : ""} new: show`;
    const { fresh } = this.#parts;
    if (count && fresh.textContent !== text) announce(`${count} new requests wait at the top`);
    fresh.textContent = text;
    fresh.hidden = count === 0;
  }

  #showNewest() {
    const { heading, fresh } = this.#parts;
    if (this.#state.cursor) go({ page: null, cursor: null });
    else if (this.#waiting) this.#render(this.#waiting, { highlight: true });
    fresh.hidden = true;
    heading.focus({ preventScroll: true });
    byId("main").scrollIntoView();
  }

  #emptiness(page) {
    if (page.searching) {
      return [
        element("h3", {}, "Nothing found so far"),
        element("p", {}, "None of the newest records matches. There are older ones to look through."),
        element("a", { class: "button", href: changed({ page: String(this.#page + 1), cursor: page.nextCursor }) }, "Look further back"),
      ];
    }
    if (narrowing(this.#state) || this.#state.cursor) {
      return [
        element("h3", {}, "No request matches"),
        element("p", {}, "Nothing in this time fits all the filters."),
        element("a", { class: "button", href: withoutFilters() }, "Clear filters"),
      ];
    }
    return [
      element("h3", {}, "No data yet"),
      element("p", {}, "Nothing crossed in this time. A request shows here within seconds of being sent, whatever becomes of it."),
      element("p", { class: "muted" }, "Choose a longer time, or send one: scripts/test-claude.sh does."),
    ];
  }
}

function link(anchor, changes) {
  if (changes) {
    anchor.href = changed(changes);
    anchor.removeAttribute("aria-disabled");
    anchor.removeAttribute("role");
  } else {
    anchor.removeAttribute("href");
    anchor.setAttribute("role", "link");
    anchor.setAttribute("aria-disabled", "true");
  }
}

function idsOf(page) {
  return new Set(page.requests.map((record) => record.requestId));
}
