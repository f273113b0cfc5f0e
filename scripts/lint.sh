#!/usr/bin/env bash
# Every check that needs no deployment. Ends with one line; prints what is wrong above it.
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
cd "$repository"
bin=.local/venv/bin

# shellcheck source=scripts/provider_mirror.sh
. scripts/provider_mirror.sh

step() {
  printf '==> %s\n' "$1"
}

# validate ROOT: with working data of its own; prints what is wrong.
validate() {
  local data=$PWD/.local/lint/${1//\//-}
  mkdir -p "$data"
  export TF_DATA_DIR=$data
  if terraform -chdir="$1" init -backend=false -input=false >"$data/log" 2>&1 &&
    terraform -chdir="$1" validate >"$data/log" 2>&1; then
    return
  fi
  cat "$data/log" >&2
  return 1
}

step "ruff"
"$bin/ruff" check
"$bin/ruff" format --check
step "mypy --strict lambda_src"
"$bin/mypy" lambda_src
step "shellcheck"
"$bin/shellcheck" -x scripts/*.sh tests/clients/*.sh .ci/run
step "terraform fmt"
terraform fmt -check -recursive terraform
step "terraform validate"
export -f validate
# Two at a time: each hashes and starts the provider.
printf '%s\n' terraform/bootstrap terraform/infrastructure terraform/application terraform/commercial terraform/examples/*/ |
  xargs -P 2 -I ROOT bash -c 'validate ROOT'
step "checkov"
.local/analysis-venv/bin/python -m checkov.main --config-file .checkov.yaml --directory terraform
if command -v tflint >/dev/null; then
  step "tflint"
  tflint --recursive --config "$repository/.tflint.hcl" --chdir terraform
fi
echo "lint: clean"
