#!/usr/bin/env bash
# Creates an account's state bucket with Terraform and moves the bucket's own state into it. Safe to run again.
#
# Usage: bootstrap.sh ENV
#   Reads bootstrap.tfvars of the environment, if there is one, and writes its backend.hcl: commit that file.
#   One bucket serves all environments of an account and region: for the second one copy backend.hcl instead.
#
# Environment: AUTO_APPROVE, ENVIRONMENTS_DIR and WORK_DIR as for terraform.sh
set -euo pipefail
unset TF_DATA_DIR TF_WORKSPACE

repository=$(cd "$(dirname "$0")/.." && pwd)
environment=${1:?usage: bootstrap.sh ENV}
environment_dir=${ENVIRONMENTS_DIR:-$repository/terraform/environments}/$environment
export WORK_DIR=${WORK_DIR:-$repository/.local/terraform/$environment}
backend=$environment_dir/backend.hcl

if [ -f "$backend" ]; then
  exec "$repository/scripts/terraform.sh" "$environment" bootstrap apply
fi

# shellcheck source=scripts/provider_mirror.sh
. "$repository/scripts/provider_mirror.sh"

# finish: the state is in the bucket; keep the backend settings, drop the copy.
finish() {
  mv "$backend.new" "$backend"
  rm -rf "$copy" "$copy-data"
  printf 'The state bucket is ready; its backend settings are in %s\n' "$backend"
}

# The bucket cannot hold its own state before it exists: a copy of the root is applied with its state on disk, and
# then the state is moved. The copy stays until that is done, so that a failed run can be run again.
copy=$WORK_DIR/bootstrap-copy
export TF_DATA_DIR=$copy-data TF_IN_AUTOMATION=1
mkdir -p "$copy" "$environment_dir"

# An earlier run may have been stopped just after it moved the state.
if [ -f "$backend.new" ] && [ -f "$copy/versions.tf" ] && [ ! -f "$copy/backend_override.tf" ] &&
  terraform -chdir="$copy" init -input=false -reconfigure -backend-config="$backend.new" \
    -backend-config="key=bootstrap.tfstate" >"$WORK_DIR/bootstrap.init.log" 2>&1 &&
  terraform -chdir="$copy" state list 2>/dev/null | grep -q '^aws_s3_bucket.state$'; then
  finish
  exit
fi

cp "$repository"/terraform/bootstrap/*.tf "$copy/"
printf 'terraform {\n  backend "local" {}\n}\n' >"$copy/backend_override.tf"

variables=()
[ -f "$environment_dir/bootstrap.tfvars" ] && variables=(-var-file="$environment_dir/bootstrap.tfvars")
approve=()
[ "${AUTO_APPROVE:-}" = 1 ] && approve=(-auto-approve)

terraform -chdir="$copy" init -input=false -reconfigure >"$WORK_DIR/bootstrap.init.log" 2>&1 || {
  cat "$WORK_DIR/bootstrap.init.log" >&2
  exit 1
}
# bash 3.2 calls an empty array unset.
terraform -chdir="$copy" apply ${variables[@]+"${variables[@]}"} ${approve[@]+"${approve[@]}"}

# Outside the root, where Terraform need not check the provider's hash to read an output.
mkdir -p "$WORK_DIR/empty"
TF_DATA_DIR="$WORK_DIR/empty/.terraform" terraform -chdir="$WORK_DIR/empty" output -state="$copy/terraform.tfstate" -raw backend_config >"$backend.new"

rm -f "$copy/backend_override.tf" "$copy/.terraform.lock.hcl"
terraform -chdir="$copy" init -input=false -migrate-state -force-copy \
  -backend-config="$backend.new" -backend-config="key=bootstrap.tfstate" >>"$WORK_DIR/bootstrap.init.log" 2>&1 || {
  cat "$WORK_DIR/bootstrap.init.log" >&2
  printf 'error: the bucket exists, but its state is still in %s; run this again\n' "$copy" >&2
  exit 1
}
finish
