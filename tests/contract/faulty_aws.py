"""A server in front of moto that fails the operations it is told to fail."""

import http.client
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.contract.background_server import BackgroundServer


class FaultyAws(BackgroundServer):
    """Forwards to moto; ``faults`` maps an operation to what happens instead: a status, "reset",
    "hang", "lost" or "AccessDeniedException"."""

    def __init__(self, target_url: str) -> None:
        self.faults: dict[str, int | str] = {}
        self.clock_skew_seconds = 0.0  # how far this server's clock is ahead; signatures 5 minutes off are refused
        self.calls: list[str] = []
        self.last: dict[str, tuple[dict[str, str], bytes]] = {}
        self._target = urlsplit(target_url).netloc
        super().__init__(self._handler())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.calls.append(operation)
                outer.last[operation] = (dict(self.headers.items()), body)
                fault = outer.faults.get(operation)
                if fault == "hang":
                    outer.stopping.wait(20)
                if fault in ("reset", "hang"):
                    self.close_connection = True
                elif outer.skewed(self.headers["X-Amz-Date"]):
                    self._answer(400, b'{"__type":"com.amazon.coral#InvalidSignatureException","message":"XP-CANARY"}')
                elif fault == "AccessDeniedException":
                    self._answer(400, b'{"__type":"AccessDeniedException","message":"XP-CANARY"}')
                elif isinstance(fault, int):
                    self._answer(fault, b'{"__type":"com.amazonaws#ThrottlingException","message":"XP-CANARY"}')
                else:
                    status, answer = outer.forward(dict(self.headers.items()), body)
                    if fault == "lost":  # done, but the answer never arrives; the next call goes through
                        del outer.faults[operation]
                        self.close_connection = True
                        return
                    self._answer(status, answer)

            def date_time_string(self, _timestamp: float | None = None) -> str:
                return super().date_time_string(time.time() + outer.clock_skew_seconds)

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        return Handler

    def skewed(self, signed_at: str) -> bool:
        """Whether the date of a signature is too far from this server's time."""
        moment = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        return abs(time.time() + self.clock_skew_seconds - moment) > 300

    def forward(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._target, timeout=10)
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


class OrderlyAws(FaultyAws):
    """moto changes an item for several callers at once; DynamoDB does one after another, and so does this."""

    def __init__(self, target_url: str) -> None:
        self._one_at_a_time = threading.Lock()
        super().__init__(target_url)

    def forward(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        with self._one_at_a_time:
            return super().forward(headers, body)


def seconds_of(started: float) -> float:
    """Seconds since ``started`` on the monotonic clock."""
    return time.monotonic() - started
