# shellcheck shell=bash
# Sourced by the smoke scripts test-*.sh: signed calls of a deployment, and one line for each thing looked at.
#
#   call METHOD PATH [JSON [CURL_OPTION ...]]    one signed call; what follows is about its answer
#   unsigned_call METHOD PATH JSON               the same without a signature
#   check WHAT STATUS [CONDITION [GIVEN]]        prints "ok WHAT", or "FAILED WHAT", the answer, and what to do next
#   value EXPRESSION [GIVEN]                     prints what the expression is
#   finish                                       exits 0, or 1 if a check failed
#
# CONDITION and EXPRESSION are Python about `body`, the answer's JSON (its text if it is none), `headers`, by names in
# lower case, and `given`, a text. What the environment must hold is call.sh's.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
answer=$(mktemp -d)
trap 'rm -rf "$answer"' EXIT
failures=0

call() {
  ask "$here/call.sh" "$1" "$2" "${3:-}" --dump-header "$answer/headers" "${@:4}"
}

unsigned_call() {
  ask curl --silent --show-error --fail-with-body --dump-header "$answer/headers" --request "$1" \
    --header "Content-Type: application/json" --data-binary "$3" "$API_URL$2"
}

# ask COMMAND...: without any answer there is nothing to check, now and later.
ask() {
  local outcome=0
  "$@" >"$answer/body" 2>"$answer/error" || outcome=$?
  # 22: curl had an answer, of status 400 or more.
  if [ "$outcome" -ne 0 ] && [ "$outcome" -ne 22 ]; then
    printf 'FAILED no answer: %s\n  next: %s/call.sh says what must be set; can API_URL be reached from here?\n' \
      "$(cat "$answer/error")" "$here"
    exit 1
  fi
  status=$(sed -n 's/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$answer/headers" | tail -n 1)
}

check() {
  if [ "$status" = "$2" ] && [ "$(value "bool(${3:-True})" "${4:-}" 2>/dev/null)" = True ]; then
    printf 'ok     %s\n' "$1"
    return
  fi
  failures=$((failures + 1))
  printf 'FAILED %s\n  wanted: %s\n  answer: %s %s\n  next: %s\n' \
    "$1" "$2${3:+ and $3}" "$status" "$(head -c 400 "$answer/body")" "$(next_step)"
}

value() {
  "${PYTHON:-python3}" -c '
import json, re, sys

headers_file, body_file, expression, given = sys.argv[1:]
lines = open(headers_file, encoding="latin-1").read().splitlines()
headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
body = open(body_file, encoding="utf-8", errors="replace").read()
try:
    body = json.loads(body)
except ValueError:
    pass
print(eval(f"({expression})"))' "$answer/headers" "$answer/body" "$1" "${2:-}"
}

# error_code: what the last answer calls its error; the first of these that it has. In Bedrock's and Anthropic's forms the
# router's own code is before a colon in the message, and header and type are what their SDKs know.
error_code() {
  local expression code
  for expression in \
    'body["error"]["code"]' \
    're.match("((?:[A-Z][a-z]+){2,}): ", body.get("message") or body["error"]["message"])[1]' \
    'headers["x-amzn-errortype"].partition(":")[0]' \
    'body["error"]["type"]'; do
    code=$(value "$expression" 2>/dev/null) || continue
    [ "$code" = None ] || { echo "$code" && return; }
  done
}

# next_step: what to do about the last answer. README.md, "When something is wrong", has all the codes.
next_step() {
  local code="not an error"
  [ "$status" = 200 ] || code=$(error_code)
  case $code in
    "not an error")
      echo "another argument, if there was one; or the release in service (GET /health) is another than these scripts'"
      ;;
    AccessDenied)
      echo "this caller lacks execute-api:Invoke for that: attach a policy of the output caller_policies_json"
      ;;
    PolicyDenied)
      echo "the rule named above, one of this deployment's: another model id; by default none that begins with global."
      ;;
    # API Gateway's. RequestRefused are those that gateway_responses.tf gives no code of their own.
    MissingAuthenticationToken* | InvalidSignature | IncompleteSignature* | ExpiredToken | RequestRefused | Forbidden*)
      echo "AWS keys, AWS_REGION and API_URL of this shell, and its clock"
      ;;
    # Bedrock's, about the credential that the router has: API Gateway's have other codes.
    AccessDeniedException | InvalidSignatureException | ExpiredTokenException | UnrecognizedClientException | \
      permission_error | Credentials*)
      echo "the Commercial side, terraform/commercial/README.md: credential, policy, access to the model"
      ;;
    ResourceNotFoundException | ValidationException | invalid_request_error | not_found_error)
      echo "Bedrock's own words above; the model id is an argument, and test-models-endpoint.sh shows what can be called"
      ;;
    ThrottlingException | TooManyRequestsException | ServiceUnavailableException | ModelTimeoutException | \
      InternalServerException | Throttled | rate_limit_error | overloaded_error)
      echo "a quota, or a moment's trouble of Bedrock: again in a minute"
      ;;
    *)
      echo "README.md, \"When something is wrong\"; the function's log has the id $(value 'headers.get("x-request-id", "")')"
      ;;
  esac
}

finish() {
  [ "$failures" -eq 0 ] || printf '%d failed\n' "$failures"
  exit $((failures > 0))
}
