// Asks the API, through this machine's signing server.

const TIMEOUT_MS = 45_000;

/** An answer that is none. `origin` says who spoke: "page" (no answer at all), "proxy", "api", or "unknown". */
export class Trouble extends Error {
  constructor(origin, status, code, message, requestId = null) {
    super(message);
    Object.assign(this, { origin, status, code, requestId });
  }
}

/** An error as a Trouble; an AbortError is none, and raised again. What nobody foresaw is one, so that the page says it and goes on. */
export function troubleFrom(error) {
  if (error.name === "AbortError") throw error;
  if (error instanceof Trouble) return error;
  reportError(error);
  return new Trouble("unknown", null, "UnexpectedForm", `The answer cannot be shown: ${error.message}`);
}

/** The answer to a question as JSON, an object with this member; raises Trouble, or AbortError if the signal says so. */
export async function ask(path, member, parameters = {}, signal = undefined) {
  const response = await answer(path, parameters, "application/json", signal);
  const document = await whole(response, response.json(), "NotJson", "The answer is no JSON, or it broke off.");
  if (document?.[member] === undefined) throw new Trouble("unknown", response.status, "UnexpectedForm", `The answer has no ${member}.`);
  return document;
}

/** The answer as CSV: its lines as a Blob, the cursor of the next page if there is one, and false for figures that are not complete. */
export async function askCsv(path, parameters, signal) {
  const response = await answer(path, parameters, "text/csv", signal);
  if (!response.headers.get("Content-Type")?.startsWith("text/csv")) {
    throw new Trouble("unknown", response.status, "NotCsv", "The answer is no CSV.");
  }
  const blob = await whole(response, response.blob(), "BrokeOff", "The answer broke off.");
  return { blob, nextCursor: response.headers.get("X-Next-Cursor"), complete: response.headers.get("X-Complete") !== "false" };
}

async function whole(response, body, code, message) {
  try {
    return await body;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("unknown", response.status, code, message);
  }
}

async function answer(path, parameters, accept, signal) {
  const signals = [AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])];
  let response;
  try {
    const query = new URLSearchParams(parameters).toString();
    response = await fetch(query ? `${path}?${query}` : path, {
      headers: { Accept: accept },
      signal: AbortSignal.any(signals),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    const late = error.name === "TimeoutError";
    throw new Trouble("page", null, late ? "Timeout" : "NoAnswer", late ? `No answer within ${TIMEOUT_MS / 1000} s.` : "No answer.");
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  let document = null;
  try {
    document = await response.json();
  } catch {
    // not the API's form, and not the proxy's: whoever answered is somebody else
  }
  const error = document?.error;
  if (typeof error?.code !== "string") {
    return new Trouble("unknown", response.status, "UnknownAnswer", response.statusText);
  }
  const requestId = error.requestId ?? response.headers.get("X-Request-ID");
  return new Trouble(document.type === "error" ? "proxy" : "api", response.status, error.code, String(error.message), requestId);
}
