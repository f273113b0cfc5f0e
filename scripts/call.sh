#!/usr/bin/env bash
# Calls the API with curl, signed with SigV4; no secret appears on a command line.
#
# Usage: call.sh METHOD PATH [JSON [CURL_OPTION ...]]      e.g. call.sh GET /bedrock/models
#
# Environment: API_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (optional)
#   `. .local/env` sets them for the offline twin; for an account:
#   eval "$(aws configure export-credentials --format env)"
set -euo pipefail

[ $# -ge 2 ] || {
  sed -n '2,/^set/p' "$0" | sed -n 's/^# \{0,1\}//p' >&2
  exit 2
}
: "${API_URL:?the API base URL, from the infrastructure output api_url}" "${AWS_REGION:?}"
: "${AWS_ACCESS_KEY_ID:?}" "${AWS_SECRET_ACCESS_KEY:?}"
python=${PYTHON:-python3}

# curl signs the query as it stands; AWS expects its parameters in order and percent-encoded.
path=${2%%\?*}
query=
[ "$path" = "$2" ] || query="?$("$python" -c '
import sys, urllib.parse as parse
pairs = parse.parse_qsl(sys.argv[1].replace("+", "%2B"), keep_blank_values=True)
print(parse.urlencode(sorted(pairs), quote_via=parse.quote, safe="-_.~"))' "${2#*\?}")"

# AWS signs the path percent-encoded once more, curl before 8.14 as it stands. With a `:` or a `%` in it, such a curl is
# given the encoded path to sign, and the real one to send.
signed_path=$path
curl_version=$(curl --version | sed -n '1s/^curl \([0-9.]*\).*/\1/p')
if [ "$(printf '8.14\n%s\n' "$curl_version" | sort -V | head -n 1)" != 8.14 ]; then
  signed_path=$("$python" -c 'import sys, urllib.parse as parse; print(parse.quote(sys.argv[1], safe="/-_.~"))' "$path")
fi
after_scheme=${API_URL#*://}
stage_path=${after_scheme#"${after_scheme%%/*}"}

{
  printf 'user = "%s:%s"\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
  [ -z "${AWS_SESSION_TOKEN:-}" ] || printf 'header = "x-amz-security-token: %s"\n' "$AWS_SESSION_TOKEN"
  [ "$signed_path" = "$path" ] || printf 'request-target = "%s"\n' "$stage_path$path$query"
} | curl --silent --show-error --fail-with-body --config - --aws-sigv4 "aws:amz:$AWS_REGION:execute-api" \
  --request "$1" --header "Content-Type: application/json" ${3:+--data-binary "$3"} "${@:4}" \
  "$API_URL$signed_path$query"
echo
