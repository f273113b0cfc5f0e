// Puts the page together: the fragment says what to look at, three pulses keep it up to date.

import { troubleFrom } from "./api.js";
import { announce, byId, element } from "./dom.js";
import { fetchUsage } from "./figures.js";
import { buildFilters, showFilters } from "./filters.js";
import { clockTime } from "./format.js";
import { FILTERS, USAGE_FILTERS, changed, current } from "./fragment.js";
import { showPlace } from "./place.js";
import { Pulse } from "./pulse.js";
import { showRecord, wireRecord } from "./record.js";
import { RequestsView } from "./requests.js";
import { showTotals } from "./totals.js";
import { TrendsView } from "./trends.js";
import { panel } from "./troubles.js";
import { UsageView } from "./usage.js";

const LIST_MS = 4_000;
const FIGURES_MS = 20_000;
const PLACE_MS = 60_000;
const VIEWS = { requests: ["Requests", RequestsView], trends: ["Trends", TrendsView], usage: ["Usage", UsageView] };

const troubles = new Map(); // by pulse
const facts = { callers: "all", complete: true };
let view = null;
let shown = null; // what the view shows, as text

const list = new Pulse(LIST_MS, (signal) =>
  watched("list", async () => {
    if (current().view !== "requests") return;
    await view.refresh(signal);
    live();
  }),
);
const figures = new Pulse(FIGURES_MS, (signal) =>
  watched("figures", async () => {
    const state = current();
    const answer = state.view === "requests" ? await fetchUsage(state, "model", signal) : await view.refresh(signal);
    facts.complete = answer.complete !== false;
    facts.callers = answer.filters?.caller ?? "all";
    showTotals(answer.totals);
    showNotices(state);
    if (state.view !== "requests") live();
  }),
);
const place = new Pulse(PLACE_MS, (signal) => watched("place", () => showPlace(signal)));
const PULSES = { list, figures, place };

/** Do something and keep what is wrong with it, if anything, in sight. */
async function watched(name, task) {
  let trouble = null;
  try {
    await task();
  } catch (error) {
    trouble = troubleFrom(error);
  }
  const before = troubles.get(name);
  if (trouble) troubles.set(name, trouble);
  else troubles.delete(name);
  if (before?.code !== trouble?.code || before?.message !== trouble?.message) showTroubles();
  if (trouble && name !== "place") setLive("failing", "Not live: trying again");
  if (before && !trouble) {
    for (const other of troubles.keys()) PULSES[other].restart(); // what failed for the same reason need not wait its turn
    if (!troubles.size) announce("Everything answers again", { urgent: true });
  }
  return !trouble;
}

function showTroubles() {
  const [trouble] = troubles.values();
  byId("trouble").replaceChildren(...(trouble ? [panel(trouble, restart)] : []));
}

function showNotices(state) {
  const notes = [];
  if (facts.callers !== "all" && !state.caller) notes.push(`You see your own requests only, those of ${facts.callers}. Auditors, whom the policy names, see all callers'.`);
  if (!facts.complete) notes.push("Figures are not complete: part of this time is not summed up yet. It is within minutes.");
  const unheeded = FILTERS.filter((name) => name in state && !USAGE_FILTERS.includes(name));
  if (unheeded.length) notes.push(`Totals, charts and usage heed time, model, caller and classification, not ${unheeded.join(", ")}.`);
  const kept = [...byId("notices").querySelectorAll(".csv-note")];
  byId("notices").replaceChildren(...notes.map((text) => element("p", { class: "notice" }, text)), ...kept);
}

function live() {
  if (list.paused) setLive("paused", "Paused");
  else setLive("live", `Live · ${clockTime(new Date())}`);
}

function setLive(state, text) {
  byId("pulse").dataset.state = state;
  byId("live-text").textContent = text;
}

function restart() {
  list.restart();
  figures.restart();
  place.restart();
}

/** Show what the fragment says. */
function show() {
  const state = current();
  const { request, ...looked } = state;
  const key = JSON.stringify(looked);
  byId("views").replaceChildren(
    ...Object.entries(VIEWS).map(([name, [title]]) =>
      element("a", { href: changed({ view: name, page: null, cursor: null, request: null }), "aria-current": name === state.view && "page" }, title),
    ),
  );
  showFilters(state);
  if (key !== shown) {
    shown = key;
    const [, View] = VIEWS[state.view];
    if (view instanceof View) view.show(state);
    else view = new View(byId("view"), state);
    showNotices(state);
    setLive("waiting", "Loading …");
    list.restart();
    figures.restart();
  }
  showRecord(request);
}

byId("pause").addEventListener("click", (event) => {
  const paused = !list.paused;
  event.target.textContent = paused ? "Resume" : "Pause";
  for (const pulse of [list, figures]) paused ? pulse.pause() : pulse.resume();
  if (paused) setLive("paused", "Paused");
  announce(paused ? "Live updates are paused" : "Live updates go on", { urgent: true });
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment is taken
  byId("main").focus();
});
window.addEventListener("hashchange", show);
buildFilters();
wireRecord();
showTotals({});
show();
place.restart();
