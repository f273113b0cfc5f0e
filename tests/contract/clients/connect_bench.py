"""A signing proxy in this process, and clients of it."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator

from signing_proxy.api import Api
from signing_proxy.credentials import CallerCredentials
from signing_proxy.server import SigningProxy
from signing_proxy.target import Target
from tests.contract.clients.signed_api import REGION


@contextlib.contextmanager
def serving(url: str, key: str | None = None) -> Iterator[SigningProxy]:
    """A signing proxy for the API at a URL; afterwards, what it had to log is logged."""
    proxy = SigningProxy(0, Api(Target(url, REGION), CallerCredentials()), key)
    proxy.daemon_threads = False  # so that server_close waits for them
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


def connect(proxy: SigningProxy) -> http.client.HTTPConnection:
    """A client's connection."""
    return http.client.HTTPConnection("127.0.0.1", proxy.server_port, timeout=10)


def call(
    proxy: SigningProxy, method: str, target: str, body: object = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """One request; underscores in header names stand for hyphens."""
    with contextlib.closing(connect(proxy)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body, named)  # type: ignore[arg-type]
        response = connection.getresponse()
        return response, response.read()


def send(proxy: SigningProxy, request: bytes) -> bytes:
    """What comes back for raw bytes, until the proxy closes."""
    with socket.create_connection(("127.0.0.1", proxy.server_port), timeout=10) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65_536), b""))


def get(target: str, *headers: str) -> bytes:
    """A raw GET that asks for the connection's end."""
    lines = (f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", "")
    return "\r\n".join(lines).encode("latin-1")


def post(*headers: str, body: bytes = b"") -> bytes:
    """A raw POST."""
    return "\r\n".join(("POST /x HTTP/1.1", "Host: localhost", *headers, "", "")).encode() + body
