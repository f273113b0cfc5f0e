#!/usr/bin/env bash
# Runs Terraform for one root of one environment, with its state in S3 and its variables from one folder.
#
# Usage: terraform.sh ENV ROOT ACTION [TERRAFORM ARGUMENTS]
#   ENV     an environment: a folder with backend.hcl and ROOT.tfvars in terraform/environments. If it has policy.yaml or
#           policy.json, that is the policy of the application, unless application.tfvars sets policy_file.
#   ROOT    bootstrap, infrastructure, application, or commercial (with the Commercial account's credentials)
#   ACTION  plan, apply, destroy, output, ...
#
# Environment:
#   AUTO_APPROVE=1    change without asking; otherwise Terraform shows its plan and asks
#   ARTIFACT_KEY      application only: the release to run; without it the one in service stays
#   RELEASE_PERCENT   with ARTIFACT_KEY: only this share of the calls goes to it, the others stay where they are
#   ENVIRONMENTS_DIR  where the environments are (default: terraform/environments)
#   WORK_DIR          where Terraform keeps its working data (default: .local/terraform/ENV)
#   INFRASTRUCTURE_OUTPUTS  a file with `output -json` of infrastructure, so that it need not be read again
set -euo pipefail
unset TF_DATA_DIR TF_WORKSPACE

repository=$(cd "$(dirname "$0")/.." && pwd)

usage() {
  sed -n '2,/^set/p' "$0" | sed -n 's/^# \{0,1\}//p' >&2
  exit 2
}

[ $# -ge 3 ] || usage
environment=$1 root=$2 action=$3
shift 3

# shellcheck source=scripts/provider_mirror.sh
. "$repository/scripts/provider_mirror.sh"

environment_dir=${ENVIRONMENTS_DIR:-$repository/terraform/environments}/$environment
work_dir=${WORK_DIR:-$repository/.local/terraform/$environment}
mkdir -p "$work_dir"

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

[ -d "$repository/terraform/$root" ] || fail "there is no root named '$root' in terraform/"
[ -f "$environment_dir/backend.hcl" ] ||
  fail "$environment_dir/backend.hcl is missing. Create the state bucket first: make bootstrap ENV=$environment"

# run ROOT ARGUMENTS: Terraform in a root, with working data of its own per environment.
run() {
  TF_DATA_DIR="$work_dir/$1" TF_IN_AUTOMATION=1 terraform -chdir="$repository/terraform/$1" "${@:2}"
}

state_key() {
  if [ "$1" = bootstrap ]; then echo bootstrap.tfstate; else echo "$environment/$1.tfstate"; fi
}

# Initialises a root, unless nothing has changed since the last time (hashing the provider takes seconds).
initialise() {
  local stamp="$work_dir/$1/initialised" state
  state=$(cat "$environment_dir/backend.hcl" "$repository/terraform/$1"/*.tf "$repository"/terraform/modules/*/*.tf 2>/dev/null | cksum)
  if [ "$(cat "$stamp" 2>/dev/null)" != "$state" ] || [ ! -f "$repository/terraform/$1/.terraform.lock.hcl" ]; then
    run "$1" init -input=false -reconfigure -backend-config="$environment_dir/backend.hcl" \
      -backend-config="key=$(state_key "$1")" >"$work_dir/$1.init.log" 2>&1 || {
      cat "$work_dir/$1.init.log" >&2
      fail "terraform init failed in $1; the output above says why"
    }
    printf '%s' "$state" >"$stamp"
  fi
}

# The environment's own policy, if it has one. Its path is absolute, as Terraform runs in the root's folder.
policy_file() {
  local name found=
  for name in policy.yaml policy.json; do
    [ -f "$environment_dir/$name" ] || continue
    [ -z "$found" ] || fail "$environment_dir has policy.yaml and policy.json: leave one of them"
    found=$(cd "$environment_dir" && pwd)/$name
  done
  echo "$found"
}

initialise "$root"

arguments=()
case $action in
  plan | apply | destroy | refresh | console | import)
    if [ "$root" = application ]; then
      policy=$(policy_file)
      [ -z "$policy" ] || arguments+=(-var="policy_file=$policy")
    fi
    [ -f "$environment_dir/$root.tfvars" ] && arguments+=(-var-file="$environment_dir/$root.tfvars")
    case $root in
      application | infrastructure)
        variables=$work_dir/$root.tfvars.json
        "$repository/.local/venv/bin/python" "$repository/scripts/deployment.py" "$environment" "$root" "$action" >"$variables" || exit 1
        arguments+=(-var-file="$variables")
        ;;
    esac
    ;;
esac
case $action in
  plan) arguments+=(-input=false) ;;
  apply | destroy) [ "${AUTO_APPROVE:-}" != 1 ] || arguments+=(-input=false -auto-approve) ;;
esac

# bash 3.2 calls an empty array unset.
run "$root" "$action" ${arguments[@]+"${arguments[@]}"} "$@"
