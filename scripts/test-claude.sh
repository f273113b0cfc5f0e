#!/usr/bin/env bash
# Does a Claude model answer through a deployment: by the envelope, by Converse, and by Anthropic's Messages?
#
# Usage: test-claude.sh [MODEL_ID]
#   Default: Claude Haiku 4.5. Ids to choose from: test-models-endpoint.sh Anthropic
#
# Environment: as for call.sh
set -euo pipefail

# shellcheck source=scripts/smoke_checks.sh
. "$(dirname "$0")/smoke_checks.sh"
model_id=${1:-anthropic.claude-haiku-4-5-20251001-v1:0}
prompt='"max_tokens": 64, "messages": [{"role": "user", "content": "Say hello."}]'

call POST /bedrock/invoke-model "{\"modelId\": \"$model_id\", \"body\": {$prompt}}"
check "$model_id answers by the envelope" 200 'json.loads(body["body"])["content"][0]["text"]'
[ "$status" != 200 ] || printf '       called as %s\n' "$(value 'headers["x-resolved-model-id"]')"

call POST "/model/$model_id/converse" '{"messages": [{"role": "user", "content": [{"text": "Say hello."}]}]}'
check "... by Converse, Bedrock's own path" 200 'body["output"]["message"]["content"][0]["text"]'

call POST /anthropic/v1/messages "{\"model\": \"$model_id\", $prompt}" --header "anthropic-version: 2023-06-01"
check "... by Anthropic's Messages" 200 'body["content"][0]["text"]'

finish
