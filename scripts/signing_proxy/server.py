"""The signing proxy's own side: HTTP/1.1 on loopback, one thread for each client connection."""

import contextlib
import logging
import socket
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from signing_proxy.api import Answer, Api
from signing_proxy.errors import RelayError
from signing_proxy.request import check_client, forwarded, read_body, target_of
from signing_proxy.target import is_loopback

LOG = logging.getLogger(__name__)
_IDLE_SECONDS = 300
_LINGER_SECONDS = 2.0


class SigningProxy(ThreadingHTTPServer):
    """Listens on 127.0.0.1; port 0 takes a free one. With a key, requests must carry it."""

    request_queue_size = 128

    def __init__(self, port: int, api: Api, key: str | None = None) -> None:
        super().__init__(("127.0.0.1", port), Relay)
        self.api = api
        self.key = key
        self._stopping = False

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self.server_port}"

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Whether a connection comes from this machine, should the system ever let another through."""
        return is_loopback(client_address[0])

    def stop(self, *_signal: object) -> None:
        """Handle a signal: leave `serve_forever` by a KeyboardInterrupt. Connections end with the process."""
        self._stopping = True
        raise KeyboardInterrupt

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up, or of a connection that the end cuts off; else show the traceback."""
        if not self._stopping and not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Relay(BaseHTTPRequestHandler):
    """One client connection. A subclass may decide on its own whom it answers, by `admit`, and what, by `serve`."""

    server: SigningProxy
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # what is no HTTP at all still gets an answer with a head
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def relay(self) -> None:
        """Answer a request, or say why not."""
        self._begin()
        try:
            self.admit()
            target = target_of(self.requestline)
            self._path = target.partition("?")[0]
            self.serve(target)
        except RelayError as error:
            self._refuse(error)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = relay  # noqa: N815

    def admit(self) -> None:
        """Raise a RelayError unless the client may ask."""
        check_client(self.headers, self.server.key)

    def serve(self, target: str) -> None:
        """Pass the request on to a path and query of the API, and its answer back."""
        answer = self.server.api.send(self.command, target, forwarded(self.headers), self._body())
        with contextlib.closing(answer):
            self._pass_on(answer)

    def _body(self) -> bytes:
        return read_body(self.headers, self.rfile, self._continue)

    def _continue(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(HTTPStatus.CONTINUE)
            self.end_headers()

    def _pass_on(self, answer: Answer) -> None:
        chunked = answer.has_body and answer.length is None and self.request_version >= "HTTP/1.1"
        note = f"{answer.status}"
        try:
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.headers:
                self.send_header(name, value)
            if chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif answer.has_body and answer.length is None:
                self.close_connection = True  # the end of the connection is the end of the body
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            for chunk in answer.chunks():
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
        except RelayError:
            note += ", and the API broke off"
            self.close_connection = True  # without an end that would look like the answer's
        except OSError:
            note += ", and the client hung up"
            self.close_connection = True
        self._log(note)

    def _refuse(self, error: RelayError) -> None:
        self._log(f"{error.status} {error.code}")
        body = error.body()
        self.send_response_only(error.status)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("x-amzn-errortype", error.code),  # by which the AWS SDKs know an error
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self._linger()

    def _linger(self) -> None:
        # Closing while bytes of the client are unread would reset the connection and take the answer with it.
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_LINGER_SECONDS)
            give_up_at = time.monotonic() + _LINGER_SECONDS
            while time.monotonic() < give_up_at and self.rfile.read1(65_536):
                pass

    def handle_expect_100(self) -> bool:
        """Leave the 100 to the moment when the body is wanted."""
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What http.server refuses by itself, in the same form as all other errors."""
        self._begin()
        self._refuse(RelayError(code, "BadRequest", f"{HTTPStatus(code).phrase}."))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: http.server would log the query; `_log` does not."""

    def _begin(self) -> None:
        self._started, self._path = time.monotonic(), "-"

    def _log(self, note: str) -> None:
        method = self.command if (self.command or "").isalpha() else "-"
        LOG.info("%s %s %s %.2f s", method, self._path, note, time.monotonic() - self._started)
