"""One HTTP/1.1 connection whose every read and write is bounded by a total deadline.

Built on sockets and http.client's parser, because three things matter here that general clients do not offer: the
deadline covers every single read (a body that drips a byte a second cannot outlast it), a failure says whether the
request had left completely (a model call may be billed, so it must not be repeated blindly), and a body shorter than
announced is an error (transport.py checks it).
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from inference_proxy.addresses import connect, resolve, seconds_left
from inference_proxy.models import Deadline

_CONNECT_SECONDS = 3.0
# A connection idle for longer may have been dropped by a NAT without a word, or while Lambda was frozen.
_MAX_IDLE_SECONDS = 20.0
CHUNK_BYTES = 65_536


class TransportError(Exception):
    """An exchange that failed; ``sent`` tells whether the whole request had been handed to the network."""

    sent = True


class ConnectError(TransportError):
    """No connection could be made."""

    sent = False


class ResolveError(ConnectError):
    """The host name does not resolve."""


class TlsError(ConnectError):
    """The TLS handshake failed: certificate, host name or protocol version."""


class SendError(TransportError):
    """The connection broke before the whole request was out; the peer cannot have acted on it."""

    sent = False


class ReceiveError(TransportError):
    """The connection broke, or the peer closed it, before the whole response was in."""


class ResponseFormatError(TransportError):
    """What came back is not HTTP, or not what its own headers announce."""


class ResponseTooLargeError(TransportError):
    """The response is larger than the reader takes."""


class DeadlineError(TransportError):
    """The deadline passed."""


class Connection:
    """A connected socket, and one exchange at a time over it."""

    def __init__(self, origin: str, tls: ssl.SSLContext | None, deadline: Deadline) -> None:
        self.origin = origin
        self.idle_since = 0.0
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port or (443 if tls else 80)
        self._host_header = parts.netloc
        budget = deadline.within(_CONNECT_SECONDS)  # for the name, all its addresses and TLS together
        try:
            self._socket = connect(resolve(host, port, budget), budget)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                self._socket.settimeout(seconds_left(budget))
                self._socket = tls.wrap_socket(self._socket, server_hostname=host)
        except socket.gaierror as error:
            raise ResolveError(f"{host} does not resolve") from error
        except ssl.SSLError as error:
            raise TlsError(f"TLS with {host} failed: {error.reason}") from error
        except OSError as error:
            if deadline.remaining_seconds() <= 0:
                raise DeadlineError("the deadline passed before a connection was made") from error
            raise ConnectError(f"no connection to {host}: {type(error).__name__}") from error

    def is_usable(self) -> bool:
        """Whether it was used lately and the peer has not closed it."""
        if not 0 <= time.time() - self.idle_since <= _MAX_IDLE_SECONDS:
            return False
        try:
            self._socket.settimeout(0)
            self._socket.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True  # nothing to read but perhaps TLS session tickets: alive
        except OSError:
            return False
        return False  # closed, or bytes nobody asked for

    def send_request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> None:
        """Write the whole request; a small body shares the head's segment."""
        message = _head(method, target, self._host_header, headers, len(body)) + body[:CHUNK_BYTES]
        try:
            for start in range(0, max(len(body), 1), CHUNK_BYTES):
                chunk = message if start == 0 else memoryview(body)[start : start + CHUNK_BYTES]
                self._socket.settimeout(seconds_left(deadline))
                self._socket.sendall(chunk)
        except TimeoutError as error:
            raise DeadlineError("the deadline passed while the request was sent") from error
        except OSError as error:
            raise SendError(f"the connection broke while the request was sent: {type(error).__name__}") from error

    def receive_head(self, method: str, deadline: Deadline) -> http.client.HTTPResponse:
        """Read status line and headers."""
        # http.client's parser calls nothing but makefile.
        response = http.client.HTTPResponse(cast(socket.socket, _DeadlineSocket(self._socket, deadline)), method=method)
        try:
            response.begin()
        except BaseException as error:
            response.close()
            raise _receive_error(error) from error
        return response

    def close(self) -> None:
        """Close it for good."""
        self._socket.close()


def _receive_error(error: BaseException) -> BaseException:
    """What an exception of http.client's parser means for the exchange."""
    match error:
        case TimeoutError():
            return DeadlineError("the deadline passed before a response came")
        case OSError():  # RemoteDisconnected is one
            return ReceiveError(f"the connection broke before a response came: {type(error).__name__}")
        case http.client.HTTPException() | ValueError():
            return ResponseFormatError(f"the response is not HTTP/1.1: {type(error).__name__}")
    return error


def _head(method: str, target: str, host: str, headers: Mapping[str, str], body_bytes: int) -> bytes:
    """Request line and headers. Raises ValueError for text that would end a line early or is not ASCII."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body_bytes or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {body_bytes}")
    if not all(line.isascii() and line.isprintable() for line in lines) or " " in target:
        raise ValueError("a request line or header holds a character that HTTP does not carry")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


class _DeadlineSocket:
    """What http.client reads a response from: the socket, with the time left set before every read."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A buffered reader as ``socket.makefile("rb")`` gives, but bounded."""
        return io.BufferedReader(_DeadlineReader(self._sock, self._deadline), CHUNK_BYTES)


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)  # counts as a user of the socket until it is closed
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        self._sock.settimeout(seconds_left(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
