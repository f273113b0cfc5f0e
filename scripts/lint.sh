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

step "ruff"
"$bin/ruff" check
"$bin/ruff" format --check
step "mypy --strict lambda_src"
"$bin/mypy" lambda_src
step "shellcheck"
"$bin/shellcheck" -x scripts/*.sh .ci/run
step "terraform fmt"
terraform fmt -check -recursive terraform
for root in terraform/bootstrap terraform/infrastructure terraform/application terraform/commercial terraform/examples/*/; do
  [ -f "$root/versions.tf" ] || continue
  step "terraform validate $root"
  data=.local/lint/${root//\//-}
  mkdir -p "$data"
  TF_DATA_DIR="$repository/$data" terraform -chdir="$root" init -backend=false -input=false >"$data/init.log" 2>&1 || {
    cat "$data/init.log" >&2
    exit 1
  }
  TF_DATA_DIR="$repository/$data" terraform -chdir="$root" validate
done
step "checkov"
.local/analysis-venv/bin/python -m checkov.main --config-file .checkov.yaml --directory terraform
if command -v tflint >/dev/null; then
  step "tflint"
  tflint --recursive --config "$repository/.tflint.hcl" --chdir terraform
fi
echo "lint: clean"
