"""Kept-alive connections by origin, and the replies that come over them.

Redirects are not followed, environment proxies are not used, certificates are always verified.
"""

import http.client
import ssl
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from urllib.parse import urlsplit

from inference_proxy.connection import CHUNK_BYTES, Connection, DeadlineError, ReceiveError, ResponseTooLargeError
from inference_proxy.models import Deadline


class Reply:
    """A response whose body is still on the wire. Read it to the end, or close it."""

    def __init__(self, transport: "Transport", connection: "Connection", response: http.client.HTTPResponse) -> None:
        self._transport = transport
        self._connection = connection
        self._response = response
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def chunks(self) -> Generator[bytes]:
        """The body as it comes. Afterwards the connection is ready for the next exchange."""
        announced = self._response.length  # None: chunked, or until the peer closes
        received = 0
        complete = False
        try:
            while received != announced:
                left = CHUNK_BYTES if announced is None else min(CHUNK_BYTES, announced - received)
                chunk = self._response.read1(left)
                if not chunk:
                    break
                received += len(chunk)
                yield chunk
            complete = announced in (None, received)
        except TimeoutError as error:
            raise DeadlineError("the deadline passed while the body came") from error
        except (OSError, http.client.HTTPException) as error:
            raise ReceiveError(f"the body broke off after {received} bytes") from error
        finally:
            self._response.close()
            self._transport.give_back(self._connection, reusable=complete and not self._response.will_close)
        if not complete:
            raise ReceiveError(f"the body broke off after {received} of {announced} bytes")

    def read(self, max_bytes: int) -> bytes:
        """The whole body; raises ResponseTooLargeError beyond ``max_bytes``."""
        parts, received = [], 0
        with closing(self.chunks()) as chunks:
            for chunk in chunks:
                received += len(chunk)
                if received > max_bytes:
                    raise ResponseTooLargeError(f"the body has more than {max_bytes} bytes")
                parts.append(chunk)
        return b"".join(parts)


class Transport:
    """Connections by origin (``scheme://host[:port]``); safe for use by several threads."""

    def __init__(self, ca_bundle: str | None = None) -> None:
        self._ca_bundle = ca_bundle
        self._tls: ssl.SSLContext | None = None
        self._idle: dict[str, list[Connection]] = {}
        self._lock = threading.Lock()

    def connect(self, origin: str, deadline: Deadline) -> None:
        """Open a connection ahead of its use."""
        self.give_back(self._open(origin, deadline), reusable=True)

    def send(
        self, origin: str, method: str, target: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> Reply:
        """Send a request and read the response's head. Raises a TransportError; never sends twice."""
        connection = self._take(origin) or self._open(origin, deadline)
        try:
            connection.send_request(method, target, headers, body, deadline)
            return Reply(self, connection, connection.receive_head(method, deadline))
        except BaseException:
            connection.close()
            raise

    def give_back(self, connection: "Connection", *, reusable: bool) -> None:
        """Keep the connection for the next exchange, or close it."""
        if not reusable:
            connection.close()
            return
        connection.idle_since = time.time()
        with self._lock:
            self._idle.setdefault(connection.origin, []).append(connection)

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            connections = [connection for idle in self._idle.values() for connection in idle]
            self._idle.clear()
        for connection in connections:
            connection.close()

    def _take(self, origin: str) -> "Connection | None":
        while True:
            with self._lock:
                connections = self._idle.get(origin)
                connection = connections.pop() if connections else None
            if connection is None or connection.is_usable():
                return connection
            connection.close()

    def _open(self, origin: str, deadline: Deadline) -> "Connection":
        parts = urlsplit(origin)
        if parts.scheme == "https" and self._tls is None:
            self._tls = _tls_context(self._ca_bundle)
        return Connection(origin, self._tls if parts.scheme == "https" else None, deadline)


def _tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    import certifi  # 18 ms for its roots, so only where TLS is spoken

    context = ssl.create_default_context(cafile=ca_bundle or certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
