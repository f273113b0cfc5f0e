// The attributes of an audit record, in the order and groups of a person's questions. Those that this list does not know are
// shown in a group of their own.

import { accountOf, bytes, fullUtc, localTime, milliseconds, number } from "./format.js";

const time = (value) => `${localTime(value)} (${fullUtc(value)})`;
const expiry = (value) => time(value * 1000);
const yesNo = (value) => (value ? "yes" : "no");

export const GROUPS = [
  ["Outcome", [
    ["state", "State", "STARTED, COMPLETED (Bedrock answered, whatever it said), FAILED, DENIED or ABANDONED"],
    ["success", "Success", "whether the caller got what was asked for", yesNo],
    ["statusCode", "Status", "HTTP status of the answer to the caller"],
    ["errorCode", "Error", "the router's or Bedrock's name for what went wrong"],
    ["closedAt", "Closed", "when the reconciler gave the outcome up", time],
  ]],
  ["Caller", [
    ["callerArn", "Principal", "the role without its session, or the user"],
    ["userArn", "Session", "as API Gateway authenticated it"],
    ["accountId", "Account", "of the caller"],
    ["sourceIP", "Address", "where the request came from"],
    ["userAgent", "User agent", "as the client calls itself; anybody can claim anything here"],
  ]],
  ["Request", [
    ["timestamp", "Received", "local time, and UTC", time],
    ["operation", "Operation", "of Bedrock's API"],
    ["apiPath", "Path", "of the router's API"],
    ["modelId", "Model asked for", "as the caller wrote it"],
    ["resolvedModelId", "Model called", "the model or inference profile that Bedrock was asked for"],
    ["foundationModelId", "Foundation model", "what is behind a profile"],
    ["payloadSha256", "Body's SHA-256", "proves which body this was, without keeping it"],
  ]],
  ["Decision", [
    ["decision", "Decision", "what the policy said"],
    ["decisionRule", "Rule", "the rule of the policy that decided"],
    ["decisionReason", "Reason", "in words"],
    ["classification", "Classification", "label of the request's data"],
    ["classificationSource", "Label came from", "header, metadata or default"],
    ["marking", "Marking", "found in the text"],
    ["guardrailAction", "Guardrail", "verdict before egress"],
    ["guardrailLatencyMs", "Guardrail took", "", milliseconds],
    ["policyVersion", "Policy", "SHA-256 of the policy in force"],
  ]],
  ["Crossing", [
    ["sourcePartition", "From", "partition of the caller"],
    ["destinationPartition", "To", "partition of Bedrock"],
    ["destinationRegion", "Region", "where Bedrock was called"],
    ["endpoint", "Endpoint", "host that was called"],
    ["attempts", "Attempts", "how often it was sent"],
    ["upstreamRequestId", "Bedrock's request id", "in CloudTrail of the Commercial account"],
    ["authMode", "Credential", "how the router proved itself"],
    ["credentialVersion", "Credential's version", "of the secret, or the token's id"],
    ["clockSkewSeconds", "Clock skew", "between this side and Bedrock, in seconds"],
  ]],
  ["Figures", [
    ["latency", "Latency", "from the request's arrival to its answer", milliseconds],
    ["upstreamLatencyMs", "Bedrock's latency", "part of it", milliseconds],
    ["inputTokens", "Input tokens", "as Bedrock counts, without those of the cache", number],
    ["outputTokens", "Output tokens", "", number],
    ["cacheReadInputTokens", "Read from cache", "tokens of the prompt beside the input tokens", number],
    ["cacheWriteInputTokens", "Written to cache", "tokens of the prompt beside the input tokens", number],
    ["requestSize", "Request", "size of the body", bytes],
    ["responseSize", "Response", "size of the body", bytes],
  ]],
  ["Record", [
    ["requestId", "Audit id", "Bedrock's logs name it as auditId"],
    ["parentRequestId", "Caused by", "the request that made this crossing necessary"],
    ["invocationId", "Lambda invocation", "in the router's log group"],
    ["release", "Release", "of the router that wrote it"],
    ["ttl", "Expires", "from the table; an archive keeps it longer", expiry],
  ]],
];

const KNOWN = new Set(GROUPS.flatMap(([, attributes]) => attributes.map(([name]) => name)));

/** Groups of [attribute, label, explanation, text], only of what the record has. */
export function grouped(record) {
  const groups = GROUPS.map(([title, attributes]) => [
    title,
    attributes
      .filter(([name]) => present(record[name]))
      .map(([name, label, explanation, form = String]) => [name, label, explanation, form(record[name])]),
  ]);
  const others = Object.keys(record).filter((name) => !KNOWN.has(name) && present(record[name]));
  groups.push(["Other attributes", others.map((name) => [name, name, "", textOf(record[name])])]);
  return groups.filter(([, attributes]) => attributes.length > 0);
}

/** In one line, for the table. */
export const account = (record) => record.accountId ?? accountOf(record.callerArn);

function present(value) {
  return value !== null && value !== undefined && value !== "";
}

function textOf(value) {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
