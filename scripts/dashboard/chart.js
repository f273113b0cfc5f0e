// One chart over time, drawn as SVG. Its legend is its readout: it shows sums, or one slot's values while that is inspected,
// by pointer or with the arrow keys. The same figures are in a table below it.

import { drawn, element } from "./dom.js";
import { slot } from "./format.js";

const HEIGHT = 168;
const MARGIN = { top: 8, right: 8, bottom: 22, left: 52 };
const LINES = 3;
const TICK_PX = 74;

/** A figure; `update(keys, series)` draws it.
 *
 * `series` are {name, tone, values, total}, with a value or null for each key; `kind` is "bars" (stacked) or "lines"; `format` turns a
 * value into text. `select(slot)` is called when a slot is chosen.
 */
export class Chart {
  #options;
  #parts = {};
  #slots = [];
  #series = [];
  #at = null;

  constructor(options) {
    this.#options = options;
    const part = this.#parts;
    part.when = element("span", { class: "muted when" });
    part.legend = element("ul", { class: "legend" });
    part.picture = drawn("svg", { role: "img", height: HEIGHT });
    part.inspector = element("div", {
      class: "inspector",
      role: "slider",
      tabindex: "0",
      "aria-label": `${options.title}: inspect by time`,
      keydown: (event) => this.#pressed(event),
      pointermove: (event) => this.#inspect(this.#slotAt(event)),
      pointerleave: () => this.#inspect(null),
      blur: () => this.#inspect(null),
      click: (event) => this.#select(this.#slotAt(event)),
    });
    part.table = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${options.title}, as a table` });
    part.details = element("details", { class: "figures", toggle: () => this.#tabulate() }, element("summary", {}, "Table"), part.table);
    this.element = element(
      "figure",
      { class: `card chart ${options.style ?? ""}` },
      element("figcaption", {}, element("h3", {}, options.title), part.when),
      part.legend,
      element("div", { class: "plot" }, part.picture, part.inspector),
      part.details,
    );
    new ResizeObserver(() => this.#draw()).observe(part.picture.parentElement);
  }

  update(keys, series, when) {
    this.#slots = keys.map(slot);
    this.#series = series;
    this.#options.when = when;
    this.#parts.inspector.setAttribute("aria-valuemin", "1");
    this.#parts.inspector.setAttribute("aria-valuemax", String(Math.max(1, keys.length)));
    this.#draw();
    this.#inspect(null);
    this.#tabulate();
  }

  #draw() {
    const { picture } = this.#parts;
    const width = picture.parentElement.clientWidth;
    if (!width || !this.#slots.length) return;
    const box = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
    const top = niceTop(this.#highest());
    const x = (index) => MARGIN.left + (index / this.#slots.length) * box.width;
    const y = (value) => MARGIN.top + box.height * (1 - value / top);
    picture.setAttribute("width", width);
    picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    picture.setAttribute("aria-label", this.#summary());
    this.#parts.cursor = drawn("rect", { class: "cursor", y: MARGIN.top, height: box.height, width: Math.max(1, box.width / this.#slots.length), visibility: "hidden" });
    picture.replaceChildren(
      ...this.#grid(top, x, y, width),
      this.#parts.cursor,
      ...(this.#options.kind === "lines" ? this.#lines(x, y) : this.#bars(x, y)),
    );
  }

  #grid(top, x, y, width) {
    const parts = [];
    for (let line = 0; line <= LINES; line += 1) {
      const value = (top * line) / LINES;
      parts.push(drawn("line", { class: line ? "grid" : "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }));
      parts.push(drawn("text", { class: "tick", x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" }, this.#options.format(value)));
    }
    const every = Math.max(1, Math.ceil((this.#slots.length * TICK_PX) / (width - MARGIN.left)));
    const days = !this.#slots[0].isDay && this.#slots.length > 36;
    for (let index = 0; index + every / 2 < this.#slots.length || index === 0; index += every) {
      const text = days ? this.#slots[index].day : this.#slots[index].tick;
      parts.push(drawn("text", { class: "tick", x: x(index), y: HEIGHT - 6 }, text));
    }
    return parts;
  }

  #bars(x, y) {
    const gap = x(1) - x(0) > 6 ? 2 : 0;
    return this.#slots.flatMap((_slot, index) => {
      let below = 0;
      return this.#series.flatMap(({ tone, values }) => {
        const value = values[index] ?? 0;
        if (!value) return [];
        const bottom = y(below);
        below += value;
        const height = Math.max(1, bottom - y(below));
        return [drawn("rect", { class: `fill ${tone}`, x: x(index) + gap / 2, width: Math.max(0.5, x(index + 1) - x(index) - gap), y: bottom - height, height })];
      });
    });
  }

  #lines(x, y) {
    return this.#series.flatMap(({ tone, values }) => {
      const middle = (index) => (x(index) + x(index + 1)) / 2;
      let path = "";
      const points = [];
      values.forEach((value, index) => {
        if (value === null || value === undefined) return;
        const joined = index > 0 && values[index - 1] !== null && values[index - 1] !== undefined;
        path += `${joined ? "L" : "M"}${middle(index).toFixed(1)} ${y(value).toFixed(1)}`;
        const alone = !joined && (values[index + 1] ?? null) === null;
        if (alone || values.length < 49) points.push(drawn("circle", { class: `fill ${tone}`, cx: middle(index), cy: y(value), r: 2.5 }));
      });
      return [drawn("path", { class: `line ${tone}`, d: path || "M0 0" }), ...points];
    });
  }

  #highest() {
    if (this.#options.kind === "lines") return Math.max(0, ...this.#series.flatMap(({ values }) => values.map((value) => value ?? 0)));
    return Math.max(0, ...this.#slots.map((_slot, index) => this.#series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0)));
  }

  #summary() {
    const sums = this.#series.map(({ name, total }) => `${name} ${this.#options.format(total)}`);
    return `${this.#options.title}, ${this.#options.when}: ${sums.join(", ")}. The table below has every value.`;
  }

  #inspect(index) {
    const { when, legend, cursor, inspector } = this.#parts;
    this.#at = index;
    const inspected = index === null ? null : this.#slots[index];
    when.textContent = inspected?.name ?? this.#options.when ?? "";
    const texts = this.#series.map(({ name, values, total }) => [name, this.#options.format(inspected ? values[index] : total)]);
    legend.replaceChildren(
      ...texts.map(([name, text], number) =>
        element("li", {}, element("span", { class: `key ${this.#series[number].tone}` }), `${name} `, element("strong", {}, text)),
      ),
    );
    const spoken = texts.map(([name, text]) => `${name} ${text}`).join(", ");
    inspector.setAttribute("aria-valuenow", String((index ?? this.#slots.length - 1) + 1));
    inspector.setAttribute("aria-valuetext", `${inspected ? inspected.name : "All"}: ${spoken}`);
    if (!cursor) return;
    cursor.setAttribute("visibility", inspected ? "visible" : "hidden");
    if (inspected) cursor.setAttribute("x", MARGIN.left + (index / this.#slots.length) * (inspector.clientWidth - MARGIN.left - MARGIN.right));
  }

  #slotAt(event) {
    const { inspector } = this.#parts;
    const share = (event.clientX - inspector.getBoundingClientRect().left - MARGIN.left) / (inspector.clientWidth - MARGIN.left - MARGIN.right);
    const index = Math.floor(share * this.#slots.length);
    return index >= 0 && index < this.#slots.length ? index : null;
  }

  #pressed(event) {
    const last = this.#slots.length - 1;
    const at = this.#at ?? last + 1;
    const to = { ArrowLeft: at - 1, ArrowRight: this.#at === null ? last : at + 1, Home: 0, End: last }[event.key];
    if (event.key === "Enter") this.#select(this.#at);
    else if (to === undefined) return;
    else this.#inspect(Math.min(last, Math.max(0, to)));
    event.preventDefault();
  }

  #select(index) {
    if (index !== null && this.#slots[index]) this.#options.select(this.#slots[index]);
  }

  #tabulate() {
    const { details, table } = this.#parts;
    if (!details.open) return;
    table.replaceChildren(
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Time"), ...this.#series.map(({ name }) => element("th", { scope: "col", class: "number" }, name)))),
        element(
          "tbody",
          {},
          ...this.#slots.map((one, index) =>
            element("tr", {}, element("th", { scope: "row" }, one.name), ...this.#series.map(({ values }) => element("td", { class: "number" }, this.#options.format(values[index])))),
          ),
        ),
      ),
    );
  }
}

// The end of the axis: a number that LINES parts leave readable.
function niceTop(highest) {
  if (highest <= 0) return LINES;
  const step = highest / LINES;
  const magnitude = 10 ** Math.floor(Math.log10(step));
  const nice = [1, 2, 2.5, 5, 10].find((factor) => factor * magnitude >= step);
  return nice * magnitude * LINES;
}
