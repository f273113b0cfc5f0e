#!/usr/bin/env bash
# Runs every level of tests and ends with one line per level. Goes on after a failing level; exits 1 if any failed.
#
# Usage: test.sh [LEVEL ...]     levels: unit contract terraform integration (default: all)
# shellcheck disable=SC2329  # functions are called by name, through `level`
set -uo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
cd "$repository" || exit 1
reports=.local/reports
mkdir -p "$reports"
rm -f "$reports"/*.summary

# level NAME COMMAND...: runs a level and notes in a file how it ended.
level() {
  local name=$1 started=$SECONDS status=passed
  shift
  printf '\n==> %s tests\n' "$name"
  "$@" 2>&1 | tee "$reports/$name.log"
  [ "${PIPESTATUS[0]}" -eq 0 ] || status=FAILED
  printf '%-12s %s  %s (%d s)\n' "$name" "$status" "$(counts "$reports/$name.log")" $((SECONDS - started)) \
    >"$reports/$name.summary"
}

# What the runner said last of its numbers.
counts() {
  grep -Eo '[0-9]+ passed[^=]*|[0-9]+ failed[^=]*|no tests ran' "$1" | tail -n 1 | sed 's/ in [0-9.]*s.*//'
}

pytest() {
  .local/venv/bin/python -m pytest "$@"
}

# native_test FOLDER: `terraform test` in one root or module, with working data of its own.
native_test() {
  local data=.local/native-tests/${1//\//-}
  mkdir -p "$data"
  export TF_DATA_DIR=$PWD/$data
  if terraform -chdir="$1" init -backend=false -input=false >"$data/log" 2>&1; then
    terraform -chdir="$1" test -no-color >"$data/log" 2>&1 || cat "$data/log"
  else
    cat "$data/log"
  fi
  printf '%-36s %s\n' "$1" "$(grep -E '^(Success!|Failure!)' "$data/log" || echo 'Failure! 0 passed, 1 failed.')"
}

terraform_native() {
  # shellcheck source=scripts/provider_mirror.sh
  . scripts/provider_mirror.sh
  export -f native_test
  # Two at a time: each starts the provider several times, and that is what takes long.
  find terraform -type d -name tests -prune | sed 's|/tests$||' | sort |
    xargs -P 2 -I FOLDER bash -c 'native_test FOLDER' | tee "$reports/native-folders"
  sed -nE 's/^terraform.* ([0-9]+) passed, ([0-9]+) failed.*/\1 \2/p' "$reports/native-folders" |
    awk '{passed += $1; failed += $2} END {printf "%d passed, %d failed\n", passed, failed; exit failed || !passed}'
}

[ $# -gt 0 ] || set -- unit contract terraform integration
levels=("$@")
while [ $# -gt 0 ]; do
  case $1 in
    unit | contract) level "$1" pytest -n 2 "tests/$1" ;;
    terraform)
      if [ $# -gt 1 ]; then
        # Beside the next level, which mostly waits for Terraform as well; its output follows at the end.
        level terraform terraform_native >"$reports/terraform.output" 2>&1 &
      else
        level terraform terraform_native
      fi
      ;;
    integration) level integration pytest tests/integration ;;
    *)
      printf 'error: unknown level %s; levels are unit contract terraform integration\n' "$1" >&2
      exit 2
      ;;
  esac
  shift
done
wait
[ ! -f "$reports/terraform.output" ] || cat "$reports/terraform.output"
rm -f "$reports/terraform.output"

printf '\n'
for name in "${levels[@]}"; do cat "$reports/$name.summary"; done
! grep -q FAILED "$reports"/*.summary
