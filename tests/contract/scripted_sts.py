"""STS of both partitions on one port, which fails as it is told. It verifies no token: the twin does (tests/fakes)."""

import base64
import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

from tests.contract.background_server import BackgroundServer
from tests.fakes.commercial import CommercialStandIn

CANARY = "XP-CANARY-federation"
ROLE_ARN = "arn:aws:iam::210987654321:role/cross-partition-dev-router"
AUDIENCE = "cross-partition-inference"


class ScriptedSts(BackgroundServer):
    """``faults`` maps an operation to what happens instead: "hang", "reset", "garbled", "empty", a status or a code."""

    def __init__(self, commercial: CommercialStandIn) -> None:
        self.faults: dict[str, int | str] = {}
        self.calls: list[tuple[str, dict[str, str], dict[str, str]]] = []  # operation, form, headers
        self.token_ids: list[str] = []
        self.session_seconds = 3600.0
        self.delay_seconds = 0.0
        self._commercial = commercial
        self._sessions: list[dict[str, str]] = []
        super().__init__(self._handler())

    @property
    def environ(self) -> dict[str, str]:
        """The variables of a router that federates here."""
        return {
            "CREDENTIAL_MODE": "federation",
            "CREDENTIAL_ROLE_ARN": ROLE_ARN,
            "CREDENTIAL_AUDIENCE": AUDIENCE,
            "AWS_ENDPOINT_URL_STS": self.url,
            "COMMERCIAL_STS_ENDPOINT_URL": self.url,
        }

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return sum(called == operation for called, _, _ in self.calls)

    def revoke_sessions(self) -> None:
        """End every session there is; new ones are good."""
        self._sessions.clear()
        self._tell_commercial()

    def _get_token(self, form: Mapping[str, str]) -> str:
        self.token_ids.append(str(uuid.uuid4()))
        claims = {"jti": self.token_ids[-1], "aud": form["Audience.member.1"], "sub": f"arn:aws:iam::1:role/{CANARY}"}
        token = ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode()
            for part in (b'{"alg":"ES384"}', json.dumps(claims).encode(), CANARY.encode())
        )
        return f"<WebIdentityToken>{token}</WebIdentityToken><Expiration>{self._time(60)}</Expiration>"

    def _exchange(self) -> str:
        time.sleep(self.delay_seconds)
        ends_at = self._time(self.session_seconds)
        session = {
            "access_key_id": f"ASIA{uuid.uuid4().hex[:12].upper()}",
            "secret_access_key": f"{CANARY}-{uuid.uuid4().hex}",
            "session_token": f"{CANARY}-{uuid.uuid4().hex}",
            "expires_at": ends_at,
        }
        self._sessions.append(session)
        self._tell_commercial()
        return (
            f"<Credentials><AccessKeyId>{session['access_key_id']}</AccessKeyId>"
            f"<SecretAccessKey>{session['secret_access_key']}</SecretAccessKey>"
            f"<SessionToken>{session['session_token']}</SessionToken><Expiration>{ends_at}</Expiration></Credentials>"
        )

    def _tell_commercial(self) -> None:
        self._commercial.replace_credentials({"access_keys": self._sessions})

    @staticmethod
    def _time(seconds_from_now: float) -> str:
        # AWS answers whole seconds; with fractions the tests can do with short sessions.
        return (datetime.now(UTC) + timedelta(seconds=seconds_from_now)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                operation = form["Action"]
                outer.calls.append((operation, form, {k.lower(): v for k, v in self.headers.items()}))
                fault = outer.faults.get(operation)
                if fault == "hang":
                    outer.stopping.wait(20)
                if fault in ("reset", "hang"):
                    self.close_connection = True
                elif fault == "garbled":
                    self._answer(200, f"<html>{CANARY}")
                elif fault == "empty":
                    self._answer(200, f"<{operation}Response/>")
                elif fault:
                    status, code = (fault, "Boom") if isinstance(fault, int) else (403, fault)
                    message = f"<Code>{code}</Code><Message>{CANARY}</Message>"
                    self._answer(status, f"<ErrorResponse><Error>{message}</Error></ErrorResponse>")
                else:
                    result = outer._get_token(form) if operation == "GetWebIdentityToken" else outer._exchange()
                    namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
                    self._answer(200, f'<{operation}Response xmlns="{namespace}">{result}</{operation}Response>')

            def _answer(self, status: int, body: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        return Handler
