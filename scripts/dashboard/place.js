// What is looked at, and as whom: always in sight, so that nobody mistakes one environment for another.

import { Trouble, ask } from "./api.js";
import { byId, element } from "./dom.js";

const UNKNOWN = "not known";

/** Ask this machine's server and show it; what nobody has told is said to be unknown. */
export async function showPlace(signal) {
  const place = await ask("/deployment.json", "apiUrl", {}, signal);
  const account = place.account ?? UNKNOWN;
  const facts = [
    ["Environment", place.environment ?? UNKNOWN],
    ["Account", account],
    ["Partition", place.partition ?? UNKNOWN],
    ["Region", place.region ?? UNKNOWN],
  ];
  byId("place").replaceChildren(
    ...facts.map(([name, value]) =>
      element("div", { class: value === UNKNOWN ? "unknown" : null }, element("dt", {}, name), element("dd", {}, value)),
    ),
    element("div", { id: "health" }, element("dt", {}, "Health"), element("dd", {}, "…")),
  );
  document.title = `${place.environment ?? new URL(place.apiUrl).host} – Boundary dashboard`;
  byId("signer").replaceChildren(...signerLines(place));
  await showHealth(signal);
}

async function showHealth(signal) {
  let [text, tone] = [UNKNOWN, "unknown"];
  try {
    const health = await ask("/api/health", "status", {}, signal);
    [text, tone] = [health.status === "ok" ? "✓ healthy" : health.status, "good"];
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    // 503 is /health's own way to say that something is wrong; all else, the views explain.
    if (error.status === 503) [text, tone] = ["✕ unhealthy", "bad"];
  }
  const health = byId("health");
  health.className = tone;
  health.querySelector("dd").textContent = text;
}

function signerLines({ signer, signerProblem, profile, apiUrl, account }) {
  const name = signer ? `Signed in as ${signer.arn}` : `Signed in as: ${UNKNOWN} (${signerProblem})`;
  const by = profile ? `, profile ${profile}` : "";
  const other = signer && account && signer.account !== account ? ` Those credentials are of account ${signer.account}, not of the API's.` : "";
  const own = signer && !account ? ` Account ${signer.account}; the API's own is not known, because it was named by API_URL.` : "";
  return [element("span", { class: "mono" }, apiUrl), " · ", `${name}${by}.${other}${own}`];
}
