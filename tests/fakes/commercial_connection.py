"""One client's connection to the Commercial stand-in: reads requests, writes answers, and breaks on purpose.

Raw sockets rather than `http.server`, because half of what a caller has to survive (a reset, a cut body, one byte at a
time) is below HTTP, and because parsing headers with the standard library costs more than the whole answer here.
"""

from __future__ import annotations

import hashlib
import socket
import struct
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.fakes.commercial_wire import BODY_LIMIT, Request, Response

HEAD_LIMIT = 65_536


class Connection:
    """One client's socket: reads requests, writes answers, and breaks on purpose."""

    def __init__(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = client
        self._pending = bytearray()

    def peek(self) -> bytes:
        """The start of the next request, left unread: closing a socket with unread bytes is what makes a real RST."""
        return bytes(self._pending) or self.socket.recv(4096, socket.MSG_PEEK)

    def read_request(self, clock_offset: timedelta = timedelta()) -> Request | None:
        """The next request, or None when the client is done or does not speak HTTP."""
        while (end := self._pending.find(b"\r\n\r\n")) < 0:
            if len(self._pending) > HEAD_LIMIT or not self._fill():
                return None
        lines = bytes(self._take(end + 4)).decode("latin-1").split("\r\n")[:-2]
        method, _, rest = lines[0].partition(" ")
        target, _, version = rest.partition(" ")
        if not version.startswith("HTTP/1."):
            return None
        pairs = (line.partition(":") for line in lines[1:])
        headers = tuple((name, value.strip()) for name, _, value in pairs)
        found = {name.lower(): value for name, value in headers}
        if found.get("expect", "").lower() == "100-continue":
            self.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        received_at = datetime.now(UTC)
        if found.get("transfer-encoding", "").lower() == "chunked":
            whole, digest, length = self._read_chunks()
        else:
            whole, digest, length = self._read_body(int(found.get("content-length") or 0))
        keep_alive = version == "HTTP/1.1" and found.get("connection", "").lower() != "close"
        described = (method, target, headers, whole, digest, length, keep_alive, received_at, str(uuid4()))
        return Request(*described, clock_offset)

    def send(self, request: Request, response: Response) -> None:
        """Head and body in one write, so that no client waits for a second packet; a stream part by part, chunked."""
        if response.parts and request.method != "HEAD":
            self.send_parts(request, response)
            self.socket.sendall(b"0\r\n\r\n")
            return
        head = response.head(request, length=len(response.body), close=not request.keep_alive)
        self.socket.sendall(head if request.method == "HEAD" else head + response.body)

    def send_parts(self, request: Request, response: Response) -> None:
        """A stream but for the chunk that ends it."""
        self.socket.sendall(response.head(request, length=None, close=not request.keep_alive, chunked=True))
        for part in response.parts:
            self.socket.sendall(b"%x\r\n%b\r\n" % (len(part), part))

    def reset(self) -> None:
        """RST, not FIN: a linger time of zero throws away what is queued and tells the client so."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.socket.close()

    def shut(self) -> None:
        """From another thread: wakes whoever waits on this connection, which then closes it."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def pause(self, seconds: float | None) -> bool:
        """Wait, for ever when None, and return False as soon as the client, or the stand-in, has hung up."""
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            while deadline is None or deadline > time.monotonic():
                self.socket.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0.001))
                more = self.socket.recv(HEAD_LIMIT)
                if not more:
                    return False
                self._pending += more
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(None)
        return True

    def _fill(self) -> bool:
        more = self.socket.recv(HEAD_LIMIT)
        self._pending += more
        return bool(more)

    def _take(self, count: int) -> bytearray:
        taken = self._pending[:count]
        del self._pending[:count]
        return taken

    def _read_body(self, length: int) -> tuple[bytes, str, int]:
        """A body over the limit is read to its end too, hashed but not kept: an answer must not race an upload."""
        digest = hashlib.sha256()
        kept = bytearray()
        missing = length
        while missing:
            if not self._pending and not self._fill():
                raise ConnectionError("the client hung up in the middle of a body")
            part = self._take(missing)
            digest.update(part)
            missing -= len(part)
            if length <= BODY_LIMIT:
                kept += part
        return bytes(kept), digest.hexdigest(), length

    def _read_chunks(self) -> tuple[bytes, str, int]:
        whole = bytearray()
        while True:
            while (end := self._pending.find(b"\r\n")) < 0:
                if not self._fill():
                    raise ConnectionError("the client hung up in the middle of a chunked body")
            size = int(bytes(self._take(end + 2)).split(b";")[0], 16)
            part, _, _ = self._read_body(size + 2)
            if size == 0:
                kept = b"" if len(whole) > BODY_LIMIT else bytes(whole)
                return kept, hashlib.sha256(whole).hexdigest(), len(whole)
            whole += part[:-2]
