#!/usr/bin/env bash
# Names every missing prerequisite and what to do about it.
# Usage: check_prerequisites.sh [TOOL ...]     (default: all of them)
# Prints nothing and exits 0 when everything is there.
set -euo pipefail

missing=0

complain() {
  printf 'missing: %s\n' "$1" >&2
  missing=1
}

# at_least FOUND WANTED: compares two dotted versions.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

check() {
  case $1 in
    python)
      local python=${PYTHON:-python3}
      if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        complain "Python 3.11 or newer ($python is not). Install it, or name another one: make PYTHON=python3.12 ..."
      elif ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        complain "Python's venv module. On Debian and Ubuntu: apt-get install python3-venv"
      fi
      ;;
    terraform)
      local version
      version=$(terraform version 2>/dev/null | sed -n 's/^Terraform v\([0-9.]*\).*/\1/p') || version=
      at_least "${version:-0}" 1.11 ||
        complain "Terraform 1.11 or newer (found: ${version:-none}). See developer.hashicorp.com/terraform/install"
      ;;
    curl)
      local version
      version=$(curl --version 2>/dev/null | sed -n 's/^curl \([0-9.]*\).*/\1/p') || version=
      # --aws-sigv4 came with 7.75.
      at_least "${version:-0}" 7.75 || complain "curl 7.75 or newer (found: ${version:-none}). Install your system's curl package"
      ;;
    *)
      command -v "$1" >/dev/null || complain "$1. Install your system's $1 package"
      ;;
  esac
}

[ $# -gt 0 ] || set -- python terraform make curl git
for tool in "$@"; do check "$tool"; done
exit "$missing"
