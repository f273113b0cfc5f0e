#!/usr/bin/env bash
# Runs every level of tests and ends with one line per level. Goes on after a failing level; exits 1 if any failed.
#
# Usage: test.sh [LEVEL ...]     levels: unit contract page terraform environments integration audit guides
#        (default: all)
# shellcheck disable=SC2329  # functions are called by name, through `level`
set -uo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
cd "$repository" || exit 1
reports=.local/reports
mkdir -p "$reports"
rm -f "$reports"/*.summary "$reports"/*.output

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

# beside NEXT NAME COMMAND...: runs a level beside the next one, if there is one: both mostly wait for Terraform. Its
# output follows at the end.
beside() {
  local next=$1
  shift
  if [ -n "$next" ]; then level "$@" >"$reports/$1.output" 2>&1 & else level "$@"; fi
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

all_levels=(unit contract page terraform environments integration audit guides)
[ $# -gt 0 ] || set -- "${all_levels[@]}"
levels=("$@")
while [ $# -gt 0 ]; do
  case $1 in
    unit | contract) level "$1" pytest -n 2 "tests/$1" ;;
    page) level page pytest -n 2 tests/dashboard_page ;;
    terraform) beside "${2:-}" terraform terraform_native ;;
    environments) beside "${2:-}" environments pytest tests/environments ;;
    integration) level integration pytest tests/integration ;;
    audit | guides)
      wait # three at a time is what two cores bear
      level "$1" pytest "tests/$1"
      ;;
    *)
      printf 'error: unknown level %s; levels are %s\n' "$1" "${all_levels[*]}" >&2
      exit 2
      ;;
  esac
  shift
done
wait
cat "$reports"/*.output 2>/dev/null
rm -f "$reports"/*.output

printf '\n'
for name in "${levels[@]}"; do cat "$reports/$name.summary"; done
! grep -q FAILED "$reports"/*.summary
