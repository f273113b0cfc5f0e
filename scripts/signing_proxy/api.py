"""The API's side of the signing proxy: requests signed for execute-api, answers as they come.

Each request has a connection of its own: none is stale, so nothing is ever sent twice. Redirects are not followed.
"""

import contextlib
import http.client
import os
import socket
import ssl
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from deployment import REPOSITORY
from signing_proxy.credentials import CallerCredentials
from signing_proxy.errors import RelayError
from signing_proxy.request import HOP_BY_HOP
from signing_proxy.target import Target, is_loopback

sys.path.insert(0, str(REPOSITORY / "lambda_src"))
from inference_proxy.clock import Clock
from inference_proxy.settings import AwsKeys
from inference_proxy.signing import SigV4Signer

_CONNECT_SECONDS = 10.0
# As long as API Gateway lets an answer take that it streams: "Stream the integration response for your proxy
# integrations in API Gateway" in its Developer Guide.
_ANSWER_SECONDS = 900.0
_CHUNK_BYTES = 65_536
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class Answer:
    """An answer of the API whose body is still on its way; close it."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, method: str) -> None:
        self._connection = connection
        self._response = response
        self.status, self.reason = response.status, response.reason
        self.has_body = method != "HEAD" and response.status not in _WITHOUT_BODY
        self.length = None if response.chunked else response.length
        ignored = HOP_BY_HOP | ({"content-length"} if response.chunked else set())
        self.headers = [(name, value) for name, value in response.getheaders() if name.lower() not in ignored]

    def chunks(self) -> Iterator[bytes]:
        """The body, piece by piece as it arrives; raises a RelayError if it breaks off."""
        received = 0
        try:
            while chunk := self._response.read1(_CHUNK_BYTES):
                received += len(chunk)
                yield chunk
        except (OSError, http.client.HTTPException) as error:
            raise _broke_off(error) from error
        if self.has_body and self.length not in (None, received):
            raise _broke_off("too few bytes")

    def close(self) -> None:
        """Give the connection up, whatever is still to come."""
        self._response.close()
        self._connection.close()


class Api:
    """The API, reached with the caller's credentials."""

    def __init__(self, target: Target, credentials: CallerCredentials) -> None:
        self._target = target
        self._parts = urlsplit(target.url)
        self._credentials = credentials
        self._tls = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or certifi.where())
        self._proxy = _proxy_for(self._parts.scheme, self._parts.hostname or "")

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sign a request, send it and wait for the head of the answer; raises a RelayError."""
        try:
            signed = self._signed(method, target, headers, body)
            with contextlib.ExitStack() as unless_answered:
                connection = self._connect()
                unless_answered.callback(connection.close)
                connection.putrequest(method, self._parts.path + target, skip_host=True, skip_accept_encoding=True)
                if body or method in ("POST", "PUT", "PATCH"):
                    connection.putheader("Content-Length", str(len(body)))
                for name, value in signed.items():
                    connection.putheader(name, value)
                connection.endheaders(body or None)
                answer = Answer(connection, connection.getresponse(), method)
                unless_answered.pop_all()
                return answer
        except TimeoutError as error:
            raise RelayError(504, "ApiTimeout", f"The API did not answer within {_ANSWER_SECONDS:.0f} s.") from error
        except (OSError, http.client.HTTPException) as error:
            raise _broke_off(error) from error
        except ValueError as error:  # an open quote in the content type, of which there is no canonical form
            raise RelayError(400, "BadHeader", f"The request cannot be signed: {error}.") from error

    def _signed(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        keys = self._credentials.keys()
        aws_keys = AwsKeys(keys.access_key, keys.secret_key, keys.token)
        signer = SigV4Signer(aws_keys, self._target.region, "execute-api", Clock())
        to_sign = {"host": self._target.host}
        if "content-type" in headers:
            to_sign["content-type"] = headers["content-type"]
        return {**headers, **signer.sign(method, self._target.url + target, to_sign, body)}

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        connection: http.client.HTTPConnection
        if self._parts.scheme == "http":
            connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_SECONDS)
        else:
            first_host, first_port = self._proxy[:2] if self._proxy else (host, port)
            connection = http.client.HTTPSConnection(
                first_host, first_port, timeout=_CONNECT_SECONDS, context=self._tls
            )
            if self._proxy:
                connection.set_tunnel(host, port, self._proxy[2])
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise self._unreachable(error) from error
        connection.sock.settimeout(_ANSWER_SECONDS)
        return connection

    def _unreachable(self, error: OSError) -> RelayError:
        if isinstance(error, ssl.SSLCertVerificationError):
            advice = "Where TLS is intercepted, AWS_CA_BUNDLE must name the file with that authority's certificate"
        elif isinstance(error, socket.gaierror):
            advice = "Check API_URL; the name of a private API resolves only in its networks"
        else:
            advice = "Check the network, VPN and HTTPS_PROXY, and whether the API is up"
        return RelayError(502, "ApiUnreachable", f"No connection to {self._target.host}: {error}. {advice}.")


def _proxy_for(scheme: str, host: str) -> tuple[str, int, dict[str, str]] | None:
    """Host, port and headers of the environment's HTTPS_PROXY, unless NO_PROXY names the host or it is this machine."""
    url = getproxies().get("https")
    if scheme != "https" or not url or is_loopback(host) or proxy_bypass(host):
        return None
    proxy = urlsplit(url if "://" in url else f"http://{url}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise SystemExit("error: HTTPS_PROXY must be an http:// URL; TLS goes through it, not to it")
    headers = {}
    if proxy.username is not None:
        login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    return proxy.hostname, proxy.port or 80, headers


def _broke_off(error: Exception | str) -> RelayError:
    return RelayError(502, "ApiBrokeOff", f"The connection broke: {error}. The request may have been carried out.")
