"""A stand-in for the API: verifies each request's SigV4 signature for execute-api over the raw request."""

import hashlib
import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.contract.background_server import BackgroundServer
from tests.fakes.commercial_sigv4 import ALGORITHM, Claim
from tests.fakes.commercial_wire import BedrockError, Request

REGION = "us-gov-west-1"
STAGE = "/v1"
ACCESS_KEY_ID = "made-up-key-id"
SECRET_ACCESS_KEY = "made-up-secret"
FIRST, LAST = b"the first part", b"and the last"


@dataclass(frozen=True)
class Received:
    """A request whose signature was right, as it came; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class SignedApi(BackgroundServer):
    """Answers 200 with an empty JSON object, or what the path's last segment says; 403 to any other signature."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.refused: list[str] = []
        self.go_on = Event()  # lets /stream send its last part
        self.hung_up = Event()  # set when a client did while /flood was sent
        self.secrets = {ACCESS_KEY_ID: SECRET_ACCESS_KEY}
        super().__init__(self._handler())

    @property
    def last(self) -> Received:
        """The request that came last."""
        return self.received[-1]

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._server.server_port

    def speak_tls(self, host: str, folder: Path) -> Path:
        """From now on, with a certificate for a host name; the file that makes it trusted."""
        certificate, key = _certificate(host, folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        return certificate

    def why_refused(self, request: Request) -> str | None:
        """What is wrong with a request's signature."""
        authorization = request.header("authorization") or ""
        if not authorization.startswith(ALGORITHM):
            return f"not SigV4: {authorization.partition(' ')[0]}"
        try:
            claim = Claim.parse(authorization, request)
            scope = (claim.region, claim.service, claim.terminator, claim.date)
            if scope != (REGION, "execute-api", "aws4_request", claim.timestamp[:8]):
                return f"scope {scope}"
            if claim.access_key_id not in self.secrets:
                return f"unknown key {claim.access_key_id}"
            claim.check_clock(datetime.now(UTC))
            claim.check_signature(self.secrets[claim.access_key_id], request)
        except BedrockError as error:
            return error.response.body.decode()
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                target = self.requestline.split()[1]
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                digest = hashlib.sha256(body).hexdigest()
                headers = tuple(self.headers.items())
                now = datetime.now(UTC)
                request = Request(self.command, target, headers, body, digest, len(body), True, now, "made-up")
                refusal = api.why_refused(request)
                if refusal:
                    api.refused.append(refusal)
                    self._answer(403, json.dumps({"message": refusal}).encode())
                    return
                names = {name.lower(): value for name, value in headers}
                api.received.append(Received(self.command, target, names, body))
                answer = getattr(self, target.partition("?")[0].rpartition("/")[2].replace("-", "_"), None)
                answer() if answer else self._answer(200, b"{}")

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve  # noqa: N815

            def stream(self) -> None:
                self._head(200, ("Transfer-Encoding", "chunked"))
                self.wfile.write(b"%x\r\n%b\r\n" % (len(FIRST), FIRST))
                if not api.go_on.wait(10):
                    self.close_connection = True
                    return
                self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(LAST), LAST))

            def flood(self) -> None:
                self._head(200, ("Transfer-Encoding", "chunked"))
                try:
                    while not api.stopping.is_set():
                        self.wfile.write(b"1000\r\n%b\r\n" % bytes(0x1000))
                except OSError:
                    api.hung_up.set()

            def until_close(self) -> None:
                self._head(200)
                self.wfile.write(FIRST)
                self.close_connection = True

            def cut(self) -> None:
                self._head(200, ("Content-Length", "100"))
                self.wfile.write(FIRST)
                self.close_connection = True

            def cut_chunk(self) -> None:
                self._head(200, ("Transfer-Encoding", "chunked"))
                self.wfile.write(b"64\r\n" + FIRST)
                self.close_connection = True

            def silent(self) -> None:
                self.close_connection = True

            def nothing(self) -> None:
                self._head(204)

            def redirect(self) -> None:
                self._answer(307, b"", ("Location", f"{api.url}{STAGE}/elsewhere"))

            def throttled(self) -> None:
                self._answer(429, b'{"message":"slow down"}', ("Retry-After", "3"), ("x-amzn-requestid", "r1"))

            def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
                self._head(status, ("Content-Length", str(len(body))), *headers)
                if self.command != "HEAD":
                    self.wfile.write(body)

            def _head(self, status: int, *headers: tuple[str, str]) -> None:
                self.send_response(status)
                for name, value in (("Content-Type", "application/json"), *headers):
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _certificate(host: str, folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made up")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, plain))
    return certificate_file, key_file
