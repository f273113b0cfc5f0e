"""An issuer of identity tokens of the tests' own, and where the Commercial account reads keys while they run.

What GovCloud's issuer never signs, a token that has expired or lacks a claim, comes from here.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

OWN_HOST, SILENT_HOST, EMPTY_HOST = ("own.twin.invalid", "silent.twin.invalid", "empty.twin.invalid")
OWN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class KeyRelay(ThreadingHTTPServer):
    """Loopback in place of every issuer: GovCloud's documents from there, the tests' own from here, or nothing."""

    govcloud_url = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), KeyRelayHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class KeyRelayHandler(BaseHTTPRequestHandler):
    server: KeyRelay

    def do_GET(self) -> None:
        host, _, path = self.path[1:].partition("/")
        if host == SILENT_HOST:
            self.close_connection = True
            return
        documents = {
            ".well-known/openid-configuration": {
                "issuer": f"https://{OWN_HOST}",
                "jwks_uri": f"https://{OWN_HOST}/jwks",
            },
            "jwks": {"keys": [jwk(OWN_KEY.public_key())]},
        }
        if host == OWN_HOST and path in documents:
            answer = json.dumps(documents[path]).encode()
        else:
            try:
                with urllib.request.urlopen(f"{self.server.govcloud_url}/_aws/oidc{self.path}", timeout=5) as reply:
                    answer = reply.read()
            except urllib.error.HTTPError as error:
                error.close()
                self.send_error(404)
                return
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        pass


def jwk(key: rsa.RSAPublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    n, e = (encoded(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.n, numbers.e))
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "own", "n": n, "e": e}


def encoded(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def with_own_key(data: bytes) -> bytes:
    return OWN_KEY.sign(data, padding.PKCS1v15(), hashes.SHA256())


def forged(claims: dict[str, Any], header: dict[str, Any], sign: Callable[[bytes], bytes] = with_own_key) -> str:
    signed = f"{encoded(header)}.{encoded(claims)}"
    return f"{signed}.{encoded(sign(signed.encode()))}"


def own_token(audience: str, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token of the tests' own issuer, right but for the changes; None leaves a claim out."""
    now = int(time.time())
    right = {"iss": f"https://{OWN_HOST}", "aud": audience, "sub": "somebody", "iat": now, "exp": now + 60}
    claims = {name: value for name, value in {**right, **changes}.items() if value is not None}
    return forged(claims, {"typ": "JWT", "alg": "RS256", "kid": "own", **(header or {})})
