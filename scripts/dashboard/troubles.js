// What is wrong, and what to check, in the words of whoever has to set it right.

import { element } from "./dom.js";
import { changed, current, withoutFilters } from "./fragment.js";

const LOG_IN = "Log in again, for example with aws sso login; the page goes on by itself.";
const BY_CODE = {
  NoCredentials: ["No credentials", "There are no AWS credentials to sign with.", [LOG_IN, "Is AWS_PROFILE set in the shell that runs make dashboard?"]],
  ExpiredToken: ["Credentials have expired", "The API does not take the session's credentials any more.", [LOG_IN]],
  InvalidSignature: [
    "Signature refused",
    "The API does not accept the signature.",
    ["Is this machine's clock right?", "Does AWS_REGION name the API's region, behind a custom domain?", "Are the credentials of the right partition, and not yet deleted?"],
  ],
  AccessDenied: [
    "Access denied",
    "These credentials may not read the dashboard.",
    ["Whoever you are signed in as (below) needs the policy read-dashboard of the infrastructure's output caller_policies_json.", "For a private API or one with a network list: are you in one of its networks?"],
  ],
  MissingAuthenticationToken: ["Access denied", "The API has no such path, or got no signature.", ["Does the URL end in the stage, as in /v1?", "Is this release of the router deployed there?"]],
  RequestBlocked: ["Access denied", "The web application firewall blocked the request.", ["Are you in one of the networks that it lets through?"]],
  RouteNotFound: ["Not deployed there", "The API does not know this path.", ["Does the URL end in the stage, as in /v1?", "Is this release of the router deployed there?"]],
  InvalidParameter: ["A filter makes no sense", "", ["Change the filter that the message names, or clear all."]],
  RecordNotFound: ["No such record", "There is no record of this id, it has expired, or it is another caller's.", []],
  Throttled: ["Too many questions", "The API takes fewer requests than were sent.", ["The page asks again by itself, more slowly."]],
  LimitExceeded: ["Too many questions", "The API takes fewer requests than were sent.", ["The page asks again by itself, more slowly."]],
};
const CONNECTION = "Connection error";

/** Title, sentence and what to check. */
export function explained(trouble) {
  if (trouble.origin === "page") {
    return [CONNECTION, "This page's own server does not answer.", ["Is make dashboard still running in its terminal? Start it again; the page goes on by itself."]];
  }
  if (["ApiUnreachable", "ApiBrokeOff", "ApiTimeout"].includes(trouble.code)) {
    return [CONNECTION, "The API cannot be reached from this machine.", ["Is the network up, and the VPN if the API is private?", "Do HTTPS_PROXY and AWS_CA_BUNDLE suit this network?", "Is the API deployed, and its URL (below) right?"]];
  }
  if (trouble.code === "PolicyDenied" && trouble.status === 403) {
    return ["Not an auditor", "Only auditors of the policy see other callers' records.", ["Leave the filter “caller” out to see your own requests.", "Whoever writes the policy can name you among its auditors."]];
  }
  if (Object.hasOwn(BY_CODE, trouble.code)) return BY_CODE[trouble.code];
  if (trouble.origin === "unknown") {
    return ["Unexpected answer", "Something that is not the API answered.", ["Is there a proxy or a captive portal between this machine and the API?", "Is the API's URL (below) right?"]];
  }
  if (trouble.status >= 500) {
    return ["The API has a problem", "It could not answer.", ["The page asks again by itself.", "If it lasts, look for the request id in the router's log group."]];
  }
  return ["The API refused", "", []];
}

/** A panel that says it; `again` is what its button does. */
export function panel(trouble, again = null) {
  const [title, text, checks] = explained(trouble);
  const facts = [trouble.status && `HTTP ${trouble.status}`, trouble.code, trouble.requestId && `request ${trouble.requestId}`];
  return element(
    "section",
    { class: "trouble", role: "alert", "data-code": trouble.code },
    element("h2", {}, title),
    text && element("p", {}, text),
    trouble.message !== text && trouble.origin !== "page" && element("p", { class: "said" }, trouble.message),
    checks.length > 0 && element("ul", {}, ...checks.map((check) => element("li", {}, check))),
    element(
      "p",
      { class: "actions" },
      again && element("button", { type: "button", click: again }, "Try again"),
      trouble.code === "PolicyDenied" && element("a", { class: "button", href: changed({ caller: null }) }, "Show my own requests"),
      trouble.code === "InvalidParameter" && current().cursor && element("a", { class: "button", href: changed({ page: null, cursor: null }) }, "To the newest"),
      trouble.code === "InvalidParameter" && element("a", { class: "button", href: withoutFilters() }, "Clear filters"),
      element("span", { class: "muted mono" }, facts.filter(Boolean).join(" · ")),
    ),
  );
}
