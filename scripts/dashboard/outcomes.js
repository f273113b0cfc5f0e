// How a record's outcome is called and marked, in the table, the dialog and the charts.

import { element } from "./dom.js";

const STATES = {
  STARTED: { name: "In progress", mark: "…", tone: "progress", meaning: "Sent, or about to be; its outcome is not known yet." },
  COMPLETED: { name: "Succeeded", mark: "✓", tone: "good", meaning: "Bedrock answered." },
  FAILED: { name: "Failed", mark: "✕", tone: "bad", meaning: "There was no answer to believe." },
  DENIED: { name: "Denied", mark: "⊘", tone: "denied", meaning: "The policy refused; nothing crossed." },
  ABANDONED: { name: "Abandoned", mark: "?", tone: "lost", meaning: "Its outcome never came: the request may have been served." },
};
const ERROR = { name: "Error", mark: "✕", tone: "bad", meaning: "Bedrock answered with an error." };
const UNKNOWN = { name: "Unknown", mark: "?", tone: "lost", meaning: "" };

/** Name, mark, tone and meaning of what became of a request. */
export function outcomeOf(record) {
  if (record.state === "COMPLETED" && record.success === false) return ERROR;
  return Object.hasOwn(STATES, record.state) ? STATES[record.state] : { ...UNKNOWN, name: String(record.state) };
}

/** Its badge. */
export function badge(record) {
  const { name, mark, tone } = outcomeOf(record);
  return element("span", { class: `badge ${tone}` }, element("span", { "aria-hidden": "true" }, mark), ` ${name}`);
}
