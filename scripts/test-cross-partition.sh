#!/usr/bin/env bash
# Is a deployment's whole way open, to Commercial Bedrock and back, and is it closed to the unsigned?
#
# Usage: test-cross-partition.sh [NOVA_MODEL_ID [CLAUDE_MODEL_ID]]
#   The first is one that is called on demand, the second one that only an inference profile serves.
#
# Environment: as for call.sh. The caller needs the models and the dashboard.
set -euo pipefail

# shellcheck source=scripts/smoke_checks.sh
. "$(dirname "$0")/smoke_checks.sh"
nova_model_id=${1:-amazon.nova-lite-v1:0}
claude_model_id=${2:-anthropic.claude-haiku-4-5-20251001-v1:0}

# envelope MODEL_ID BODY: the request of POST /bedrock/invoke-model.
envelope() {
  printf '{"modelId": "%s", "body": %s}' "$1" "$2"
}

# is_on_record WHAT: the last answer's request is in the dashboard, whose index may be a moment late.
is_on_record() {
  local request_id tries=5
  request_id=$(value 'headers.get("x-request-id", "none")')
  while
    call GET "/dashboard/requests?timeRange=1h&limit=200"
    tries=$((tries - 1))
    [ "$status" = 200 ] && [ "$tries" -gt 0 ] && [ "$(value 'given in str(body)' "$request_id")" = False ]
  do sleep 1; done
  check "$1" 200 'any(record["requestId"] == given and record["callerArn"] for record in body["requests"])' "$request_id"
}

call GET /health
check "the router is healthy" 200 'body["status"] == "ok"'

call GET /bedrock/invoke-model
check "routing information names both partitions" 200 \
  'body["routing"]["source"]["partition"] and body["routing"]["destination"]["partition"]'

nova_prompt='{"messages": [{"role": "user", "content": [{"text": "Say hello."}]}]}'
call POST /bedrock/invoke-model "$(envelope "$nova_model_id" "$nova_prompt")"
check "an on-demand model answers: $nova_model_id" 200 \
  'json.loads(body["body"])["output"]["message"]["content"][0]["text"]'
is_on_record "... and its audit record is in the dashboard"

claude_prompt='{"max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]}'
call POST /bedrock/invoke-model "$(envelope "$claude_model_id" "$claude_prompt")"
check "a model that only a profile serves answers: $claude_model_id" 200 \
  'json.loads(body["body"])["content"][0]["text"] and headers["x-resolved-model-id"]'
is_on_record "... and its audit record is in the dashboard"

call POST /bedrock/invoke-model "$(envelope amazon.no-such-model-v1:0 "$nova_prompt")"
check "an unknown model: Bedrock's own error" 400 'body["error"]["code"] == "ValidationException"'

unsigned_call POST /bedrock/invoke-model "$(envelope "$nova_model_id" "$nova_prompt")"
check "a call without a signature is refused" 403

finish
