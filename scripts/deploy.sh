#!/usr/bin/env bash
# The whole first deployment of an environment: state bucket, infrastructure, credential, release. Safe to run again.
#
# Usage: deploy.sh ENV
#
# Environment: AUTO_APPROVE, ENVIRONMENTS_DIR and WORK_DIR as for terraform.sh;
#   CREDENTIAL_FILE  a JSON file with the Commercial credential; without it the secret is left as it is
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
environment=${1:?usage: deploy.sh ENV}
export WORK_DIR=${WORK_DIR:-$repository/.local/terraform/$environment}
python=$repository/.local/venv/bin/python

step() {
  printf '\n==> %s\n' "$1"
}

step "bootstrap: the state bucket"
"$repository/scripts/bootstrap.sh" "$environment"
step "infrastructure: API, audit table, secret, roles, artifact bucket"
"$repository/scripts/terraform.sh" "$environment" infrastructure apply
# Read once for the steps below: Terraform checks the provider's hash each time, which takes seconds.
export INFRASTRUCTURE_OUTPUTS=$WORK_DIR/infrastructure.outputs.json
"$repository/scripts/terraform.sh" "$environment" infrastructure output -json >"$INFRASTRUCTURE_OUTPUTS"
if [ -n "${CREDENTIAL_FILE:-}" ]; then
  step "credential: the Commercial credential into Secrets Manager"
  "$python" "$repository/scripts/put_credential.py" "$environment" <"$CREDENTIAL_FILE"
fi
step "release: package, upload, apply the application"
"$python" "$repository/scripts/release.py" "$environment"
