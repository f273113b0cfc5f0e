#!/usr/bin/env bash
# The checks of test-claude.sh with Claude Opus 4.1, which is legacy and leaves Bedrock on 2027-01-08.
#
# Usage: test-claude-4-1.sh [MODEL_ID]
#
# Environment: as for call.sh
set -euo pipefail

model_id=${1:-anthropic.claude-opus-4-1-20250805-v1:0}
[ $# -gt 0 ] || cat <<'NOTE'
Claude Opus 4.1 is legacy since 2026-07-08 and leaves Bedrock on 2027-01-08. New customers cannot call it, and who has
not called it for 15 days loses it.
NOTE

"$(dirname "$0")/test-claude.sh" "$model_id" || {
  cat <<'NEXT'
If Bedrock says above that the model is legacy or has reached the end of its life, take a current one:
  scripts/test-models-endpoint.sh Anthropic      shows what this deployment can call
  scripts/test-claude.sh MODEL_ID
NEXT
  exit 1
}
