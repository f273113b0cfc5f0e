"""The dashboard's own side: the page's files, what it looks at, and a narrow way to the API.

The browser gets nothing from anywhere else and runs nothing that is written into a page (Content-Security-Policy),
because records hold text that callers choose.
"""

import contextlib
import json
import re
from http import HTTPStatus
from pathlib import Path

from dashboard_deployment import Deployment
from signing_proxy.api import Api
from signing_proxy.errors import RelayError
from signing_proxy.request import check_client, check_host
from signing_proxy.server import Relay, SigningProxy

_FOLDER = Path(__file__).with_name("dashboard")
_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_RELAYED = re.compile(r"/api(/health|/dashboard/(?:requests(?:/[A-Za-z0-9-]{1,128})?|usage))")
_CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_EVERY_ANSWER = (
    ("Content-Security-Policy", _CONTENT_SECURITY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


class DashboardServer(SigningProxy):
    """Listens on 127.0.0.1; port 0 takes a free one."""

    def __init__(self, port: int, api: Api, deployment: Deployment) -> None:
        super().__init__(port, api)
        self.RequestHandlerClass = _Page
        self.deployment = deployment
        self.files = {
            f"/{path.name}": (_CONTENT_TYPES[path.suffix], path.read_bytes())
            for path in _FOLDER.iterdir()
            if path.suffix in _CONTENT_TYPES
        }
        self.files["/"] = self.files["/index.html"]


class _Page(Relay):
    """One connection of the browser."""

    server: DashboardServer

    def admit(self) -> None:
        """Raise a RelayError unless the page itself asks, or a program of this machine.

        A link to the page may stand anywhere: following it shows nobody but this machine's user anything.
        """
        opened = (self.headers.get("Sec-Fetch-Mode"), self.headers.get("Sec-Fetch-Dest")) == ("navigate", "document")
        if opened and self.command == "GET" and self.path.partition("?")[0] == "/":
            check_host(self.headers)
            return
        check_client(self.headers, None)
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise RelayError(403, "ForeignOrigin", "Other pages of this machine may not ask in the dashboard's name.")

    def serve(self, target: str) -> None:
        """Answer with a file or with what is looked at, or ask the API."""
        path, mark, query = target.partition("?")
        if self.command not in ("GET", "HEAD"):
            raise RelayError(405, "MethodNotAllowed", "The dashboard only reads.")
        if path in self.server.files:
            self._send(*self.server.files[path])
        elif path == "/deployment.json":
            self._send("application/json", json.dumps(self.server.deployment.describe()).encode())
        elif relayed := _RELAYED.fullmatch(path):
            super().serve(relayed[1] + mark + query)
        else:
            raise RelayError(404, "NotFound", "The dashboard has no such page.")

    def end_headers(self) -> None:
        """Send with every answer, the API's included, what the browser may do with it."""
        for name, value in _EVERY_ANSWER:
            self.send_header(name, value)
        super().end_headers()

    def _send(self, content_type: str, body: bytes) -> None:
        self._body()  # unread, it would be taken for the next request
        self.send_response_only(HTTPStatus.OK)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            with contextlib.suppress(ConnectionError):
                self.wfile.write(body)
