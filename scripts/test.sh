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
summary=()
failed=0

# level NAME COMMAND...: runs a level and notes how it ended.
level() {
  local name=$1 started=$SECONDS status=passed
  shift
  printf '\n==> %s tests\n' "$name"
  "$@" 2>&1 | tee "$reports/$name.log"
  if [ "${PIPESTATUS[0]}" -ne 0 ]; then
    status=FAILED
    failed=1
  fi
  summary+=("$(printf '%-12s %s  %s (%d s)' "$name" "$status" "$(counts "$reports/$name.log")" $((SECONDS - started)))")
}

# What the runner said last of its numbers.
counts() {
  grep -Eo '[0-9]+ passed[^=]*|[0-9]+ failed[^=]*|no tests ran' "$1" | tail -n 1 | sed 's/ in [0-9.]*s.*//'
}

pytest() {
  .local/venv/bin/python -m pytest "$@"
}

terraform_native() {
  # shellcheck source=scripts/provider_mirror.sh
  . scripts/provider_mirror.sh
  local folder passed=0 broken=0 data
  for folder in terraform/*/tests terraform/modules/*/tests terraform/examples/*/tests; do
    [ -d "$folder" ] || continue
    folder=${folder%/tests}
    data=$repository/.local/native-tests/${folder//\//-}
    mkdir -p "$data"
    printf -- '--- %s\n' "$folder"
    if TF_DATA_DIR="$data" terraform -chdir="$folder" init -backend=false -input=false >"$data/init.log" 2>&1; then
      TF_DATA_DIR="$data" terraform -chdir="$folder" test -no-color >"$data/test.log" 2>&1
    else
      cp "$data/init.log" "$data/test.log"
      echo "0 passed, 1 failed" >>"$data/test.log"
    fi
    passed=$((passed + $(sed -n 's/.*[^0-9]\([0-9][0-9]*\) passed.*/\1/p;s/^\([0-9][0-9]*\) passed.*/\1/p' "$data/test.log" | tail -n 1)))
    local failures
    failures=$(sed -n 's/.*passed, \([0-9][0-9]*\) failed.*/\1/p' "$data/test.log" | tail -n 1)
    broken=$((broken + ${failures:-1}))
    if [ "${failures:-1}" = 0 ]; then tail -n 1 "$data/test.log"; else cat "$data/test.log"; fi
  done
  printf '%d passed, %d failed\n' "$passed" "$broken"
  [ "$broken" -eq 0 ] && [ "$passed" -gt 0 ]
}

for name in "${@:-unit contract terraform integration}"; do
  for one in $name; do
    case $one in
      unit | contract) level "$one" pytest -n 2 "tests/$one" ;;
      terraform) level terraform terraform_native ;;
      integration) level integration pytest tests/integration ;;
      *) printf 'error: unknown level %s; levels are unit contract terraform integration\n' "$one" >&2; exit 2 ;;
    esac
  done
done

printf '\n'
printf '%s\n' "${summary[@]}"
exit "$failed"
