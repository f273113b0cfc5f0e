#!/usr/bin/env bash
# curl, by scripts/call.sh: an answer, a stream and an error, one JSON line each.
#
# Usage: curl_client.sh MODEL_ID UNKNOWN_MODEL_ID PROMPT     (a Claude model; what call.sh wants in the environment)
set -euo pipefail

call=$(dirname "$0")/../../scripts/call.sh
model_id=$1 unknown_model_id=$2 prompt=$3
converse="{\"messages\": [{\"role\": \"user\", \"content\": [{\"text\": \"$prompt\"}]}]}"
messages="{\"model\": \"$model_id\", \"max_tokens\": 64, \"stream\": true,
  \"messages\": [{\"role\": \"user\", \"content\": \"$prompt\"}]}"

"$call" POST "/model/$model_id/converse" "$converse" |
  sed -nE 's/.*"text": ?("[^"]*").*/{"check": "answer", "text": \1}/p'

# Server-sent events: each piece of text is one `data:` line.
"$call" POST /anthropic/v1/messages "$messages" --no-buffer --header "anthropic-version: 2023-06-01" |
  sed -nE 's/^data: .*"text_delta", ?"text": ?("[^"]*").*/\1/p' | paste -sd , - |
  sed 's/.*/{"check": "stream", "chunks": [&]}/'

"$call" POST "/model/$unknown_model_id/converse" "$converse" 2>/dev/null |
  sed -nE 's/.*"message": ?("[^"]*").*/{"check": "error", "message": \1}/p' || true
