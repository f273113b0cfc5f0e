"""One HTTP/1.1 connection whose every read and write is bounded by a total deadline.

Built on http.client, because three things matter here that general clients do not offer: the deadline covers every
single read (a body that drips a byte a second cannot outlast it), a failure says whether the request had left
completely (a model call may be billed, so it must not be repeated blindly), and a body shorter than announced is an
error (transport.py checks it).
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

from inference_proxy.models import Deadline

_CONNECT_SECONDS = 3.0
# A connection idle for longer may have been dropped by a NAT without a word, or while Lambda was frozen.
_MAX_IDLE_SECONDS = 20.0
_CHUNK_BYTES = 65_536


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
    """One connection and the state of http.client around it."""

    def __init__(self, origin: str, tls: ssl.SSLContext | None, deadline: Deadline) -> None:
        self.origin = origin
        self.idle_since = 0.0
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port or (443 if tls else 80)
        self._http = http.client.HTTPConnection(host, port)
        self._http.default_port = 443 if tls else 80  # so that Host names the port only where it must
        seconds = min(_CONNECT_SECONDS, deadline.remaining_seconds())
        if seconds <= 0:
            raise DeadlineError("the deadline passed before a connection was made")
        try:
            sock = socket.create_connection((host, port), seconds)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._http.sock = tls.wrap_socket(sock, server_hostname=host) if tls else sock
        except socket.gaierror as error:
            raise ResolveError(f"{host} does not resolve") from error
        except ssl.SSLError as error:
            raise TlsError(f"TLS with {host} failed: {error.reason}") from error
        except OSError as error:
            raise ConnectError(f"no connection to {host}: {type(error).__name__}") from error

    def is_usable(self) -> bool:
        """Whether it was used lately and the peer has not closed it."""
        sock = self._http.sock
        if sock is None or not 0 <= time.time() - self.idle_since <= _MAX_IDLE_SECONDS:
            return False
        try:
            sock.settimeout(0)
            sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True  # nothing to read but perhaps TLS session tickets: alive
        except OSError:
            return False
        return False  # closed, or bytes nobody asked for

    def send_request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> None:
        """Write the whole request."""
        connection = self._http
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body or method not in ("GET", "HEAD"):
            connection.putheader("Content-Length", str(len(body)))
        try:
            self._limit(deadline)
            # A small body shares the head's segment; a large one is not copied for it.
            connection.endheaders(body if len(body) <= _CHUNK_BYTES else None)
            for start in range(0, len(body) if len(body) > _CHUNK_BYTES else 0, _CHUNK_BYTES):
                self._limit(deadline)
                connection.send(memoryview(body)[start : start + _CHUNK_BYTES])
        except TimeoutError as error:
            raise DeadlineError("the deadline passed while the request was sent") from error
        except OSError as error:
            raise SendError(f"the connection broke while the request was sent: {type(error).__name__}") from error

    def receive_head(self, deadline: Deadline) -> http.client.HTTPResponse:
        """Read status line and headers."""
        wrapped = _DeadlineSocket(cast(socket.socket, self._http.sock), deadline)
        # http.client offers this hook; its type says socket, it only calls makefile.
        self._http.response_class = lambda _sock, **options: http.client.HTTPResponse(  # type: ignore[assignment]
            cast(socket.socket, wrapped), **options
        )
        try:
            return self._http.getresponse()
        except TimeoutError as error:
            raise DeadlineError("the deadline passed before a response came") from error
        except (http.client.RemoteDisconnected, OSError) as error:
            raise ReceiveError(f"the connection broke before a response came: {type(error).__name__}") from error
        except (http.client.HTTPException, ValueError) as error:
            raise ResponseFormatError(f"the response is not HTTP/1.1: {type(error).__name__}") from error

    def close(self) -> None:
        """Close it for good."""
        self._http.close()

    def _limit(self, deadline: Deadline) -> None:
        remaining = deadline.remaining_seconds()
        if remaining <= 0:
            raise TimeoutError
        cast(socket.socket, self._http.sock).settimeout(remaining)


class _DeadlineSocket:
    """What http.client reads a response from: the socket, with the time left set before every read."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A buffered reader as ``socket.makefile("rb")`` gives, but bounded."""
        return io.BufferedReader(_DeadlineReader(self._sock, self._deadline), _CHUNK_BYTES)


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)  # counts as a user of the socket until it is closed
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        remaining = self._deadline.remaining_seconds()
        if remaining <= 0:
            raise TimeoutError
        self._sock.settimeout(remaining)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
