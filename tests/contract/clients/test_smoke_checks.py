"""smoke_checks.sh: which cause a check that fails names, by the answer's form."""

import json
import os
import subprocess
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from deployment import REPOSITORY
from tests.contract.background_server import BackgroundServer
from tests.contract.clients.signed_api import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY

CALLERS_KEYS = "AWS keys, AWS_REGION and API_URL of this shell"
CALLERS_POLICY = "this caller lacks execute-api:Invoke"
COMMERCIAL = "the Commercial side"
LATER = "a quota, or a moment's trouble of Bedrock"
MODEL_ID = "Bedrock's own words above; the model id"
ROUTERS_POLICY = "the rule named above"
README = "README.md"


class OneAnswer(BackgroundServer):
    """Gives each call the same answer, and remembers the calls' headers."""

    def __init__(self, status: int, errortype: str | None, document: object) -> None:
        outer, body = self, json.dumps(document).encode()
        self.headers: list[dict[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                if errortype:
                    self.send_header("x-amzn-ErrorType", errortype)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(Handler)


def checked(api: OneAnswer, *curl_options: str) -> str:
    """What one check prints that wants 200."""
    shell = {"PATH": os.environ["PATH"], "API_URL": api.url, "AWS_REGION": REGION}
    shell |= {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    script = 'set -euo pipefail; . scripts/smoke_checks.sh; call POST /x "{}" "$@"; check "it answers" 200; finish'
    result = subprocess.run(
        ["bash", "-c", script, "bash", *curl_options],
        cwd=REPOSITORY,
        env=shell,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stderr == ""
    assert result.returncode == (0 if result.stdout.startswith("ok ") else 1)
    return result.stdout


def by_gateway(code: str) -> dict[str, Any]:
    """The body of API Gateway's own answers: terraform/modules/api_gateway/gateway_responses.tf."""
    return {"message": "No: because.", "error": {"code": code, "message": "No: because.", "requestId": "r"}}


def in_envelope(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "made up", "requestId": "r"}}


def as_anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


@pytest.mark.parametrize(
    ("status", "errortype", "document", "cause"),
    [
        (403, "AccessDeniedException", by_gateway("AccessDenied"), CALLERS_POLICY),
        (403, "InvalidSignatureException", by_gateway("InvalidSignature"), CALLERS_KEYS),
        (403, "ExpiredTokenException", by_gateway("ExpiredToken"), CALLERS_KEYS),
        (403, "MissingAuthenticationTokenException", by_gateway("MissingAuthenticationToken"), CALLERS_KEYS),
        (403, "UnrecognizedClientException", by_gateway("RequestRefused"), CALLERS_KEYS),
        (403, "ForbiddenException", {"message": "Forbidden"}, CALLERS_KEYS),
        (429, "TooManyRequestsException", by_gateway("Throttled"), LATER),
        (429, "TooManyRequestsException", {"message": "Too Many Requests"}, LATER),
        (500, "InternalServerErrorException", by_gateway("InternalError"), README),
        (403, None, in_envelope("PolicyDenied"), ROUTERS_POLICY),
        (403, "AccessDeniedException", {"message": "PolicyDenied: global."}, ROUTERS_POLICY),
        (403, None, as_anthropic("permission_error", "PolicyDenied: global."), ROUTERS_POLICY),
        (503, "ServiceUnavailableException", {"message": "CredentialsUnavailable: none"}, COMMERCIAL),
        (403, "AccessDeniedException:http://internal.amazon.com/", {"message": "Note: no access"}, COMMERCIAL),
        (403, None, in_envelope("UnrecognizedClientException"), COMMERCIAL),
        (403, None, as_anthropic("permission_error", "no access"), COMMERCIAL),
        (400, "ValidationException", {"message": "The model identifier is invalid."}, MODEL_ID),
        (404, None, as_anthropic("not_found_error", "no such model"), MODEL_ID),
        (429, None, as_anthropic("rate_limit_error", "slow down"), LATER),
        (502, None, "no JSON object", README),
    ],
)
def test_the_cause_is_the_most_telling_name(status: int, errortype: str | None, document: object, cause: str) -> None:
    with OneAnswer(status, errortype, document).running() as api:
        printed = checked(api)
    assert f"answer: {status} " in printed
    assert printed.partition("  next: ")[2].startswith(cause)


def test_curls_options_go_with_the_call() -> None:
    with OneAnswer(200, None, {}).running() as api:
        assert checked(api) == "ok     it answers\n"
        assert checked(api, "--header", "made-up: a  b", "--header", "other: c") == "ok     it answers\n"
    assert "made-up" not in api.headers[0]
    assert (api.headers[1]["made-up"], api.headers[1]["other"]) == ("a  b", "c")
