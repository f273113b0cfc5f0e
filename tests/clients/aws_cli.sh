#!/usr/bin/env bash
# The AWS CLI: an answer, an error and a list, one JSON line each. It has no commands that stream.
#
# Usage: aws_cli.sh MODEL_ID UNKNOWN_MODEL_ID PROMPT     (with its Python on PATH)
set -euo pipefail

# Its start script does not work in a folder with a space in its name.
aws() { python -m awscli "$@"; }

# converse MODEL_ID: prints the line of an answer, without its end.
converse() {
  aws bedrock-runtime converse --output json --model-id "$1" --messages "role=user,content=[{text=\"$prompt\"}]" \
    --query "{check: 'answer', text: output.message.content[0].text}" | tr -d '\n'
}

model_id=$1 unknown_model_id=$2 prompt=$3

converse "$model_id"
echo

error=$(converse "$unknown_model_id" 2>&1) || true
# An error occurred (ValidationException) when calling the Converse operation: ...
printf '%s\n' "$error" |
  sed -nE 's/.*\((.*)\) when calling the Converse operation: (.*)/{"check": "error", "class": "\1", "message": "\2"}/p'

aws bedrock list-foundation-models --by-provider Anthropic --output json \
  --query "{check: 'list', models: modelSummaries[].modelId}" | tr -d '\n'
echo
