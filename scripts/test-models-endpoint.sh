#!/usr/bin/env bash
# Does GET /bedrock/models say what can be called? Ends with what can be, of one provider.
#
# Usage: test-models-endpoint.sh [PROVIDER]     default: Anthropic
#
# Environment: as for call.sh
set -euo pipefail

# shellcheck source=scripts/smoke_checks.sh
. "$(dirname "$0")/smoke_checks.sh"
provider=${1:-Anthropic}

# number_of CONDITION: how many models of the last answer are so; -1 if it has none.
number_of() {
  value "sum(bool($1) for model in body['models'])" 2>/dev/null || echo -1
}

# finds QUERY NUMBER WHAT: a filter finds as many as the whole list has.
finds() {
  call GET "/bedrock/models?$1"
  check "$1 finds the $2 $3" 200 'len(body["models"]) == int(given)' "$2"
}

call GET /bedrock/models
check "lists models" 200 'body["totalModels"] == len(body["models"]) > 0'
check "each has the original members" 200 'all(
  {"modelId", "modelName", "providerName", "inputModalities", "outputModalities", "responseStreamingSupported",
   "customizationsSupported", "inferenceTypesSupported"} <= set(model) for model in body["models"])'
check "each says by which id to call it, its profiles, life cycle and access" 200 'all(
  {"callableId", "inferenceProfiles", "modelLifecycle", "access", "callable"} <= set(model) for model in body["models"])'
check "Age says how many seconds old the list is" 200 'int(headers["age"]) >= 0'
legacy=$(number_of '(model["modelLifecycle"] or {}).get("status") == "LEGACY"')
pictures=$(number_of '"IMAGE" in model["inputModalities"] + model["outputModalities"]')
callable=$(number_of 'model["callable"]')

finds legacy=true "$legacy" "that are to leave"
finds modality=IMAGE "$pictures" "that read or draw pictures"
finds callable=true "$callable" "that this deployment can call"

call GET "/bedrock/models?refresh=true"
check "refresh=true reads the list anew" 200 'int(headers["age"]) <= 10'

call GET "/bedrock/models?provider=$provider"
check "provider=$provider: its models" 200 \
  'body["models"] and all(model["providerName"].lower() == given.lower() for model in body["models"])' "$provider"
model_id=$(value 'body["models"][0]["modelId"]' 2>/dev/null) || finish
found=$(value '"\n".join("  {modelId}  as {callableId}".format(**model) for model in body["models"] if model["callable"])')

call GET "/bedrock/models/$model_id"
check "one model by its id, with its availability now: $model_id" 200 \
  'body["modelId"] == given and body["availability"]["regionAvailability"]' "$model_id"

call GET /bedrock/models/amazon.no-such-model-v1:0
check "an unknown id is not found" 404 'body["error"]["code"] == "ModelNotFound"'

printf 'Callable of %s:\n%s\n' "$provider" "$found"
finish
