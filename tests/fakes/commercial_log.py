"""The request log of the Commercial stand-in: everything that arrived, and no credential."""

from __future__ import annotations

import hashlib
import re
from threading import Lock
from typing import Any

from tests.fakes.commercial_sigv4 import ALGORITHM
from tests.fakes.commercial_wire import Request

SECRET_HEADERS = frozenset({"authorization", "x-amz-security-token", "x-api-key"})
_CREDENTIAL_IN_QUERY = re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)[^&]*", re.IGNORECASE)


class RequestLog:
    """Requests in the order they came, refused ones too. An entry is filled in once its answer is known.

    Its members: `method`; `path`, as received with its query; `headers` in the order received, without credentials;
    `bodySha256` and `bodyLength`, by which two requests' bodies compare, as prompts are not kept; `auth` (bearer, sigv4
    or none), `authHint`, `credential` and `principal`, who it was; `receivedAt` (UTC) and `arrivedAt` (epoch seconds);
    `status` (None if no answer was given), `fault` (its name or None) and `requestId`.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: list[dict[str, Any]] = []

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(entry) for entry in self._entries]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    def record(self, request: Request) -> dict[str, Any]:
        """A new entry: what the caller claims to be, with nothing verified yet."""
        kind, hint = claimed(request)
        entry = {
            "method": request.method,
            "path": redact(request.target),
            "headers": {name: value for name, value in request.headers if name.lower() not in SECRET_HEADERS},
            "auth": kind,
            "authHint": hint,
            "principal": None,
            "credential": hint,
            "bodySha256": request.body_sha256,
            "bodyLength": request.body_length,
            "receivedAt": request.received_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "arrivedAt": request.received_at.timestamp(),
            "status": None,
            "fault": None,
            "requestId": request.request_id,
        }
        with self._lock:
            self._entries.append(entry)
        return entry

    def complete(self, entry: dict[str, Any], **members: Any) -> None:
        with self._lock:
            entry.update(members)


def claimed(request: Request) -> tuple[str, str | None]:
    """The kind of authentication, and a hint that tells two credentials apart without giving either away."""
    header = request.header("authorization") or ""
    if header.startswith("Bearer "):
        return "bearer", hashlib.sha256(header[7:].encode("latin-1")).hexdigest()[:8]
    if header.startswith(ALGORITHM):
        return "sigv4", (re.findall(r"Credential=([^/,]*)", header) or [""])[0][-4:]
    return "none", None


def redact(target: str) -> str:
    """A request target fit for a log: presigned URLs are refused here, but they arrive with their credential."""
    return _CREDENTIAL_IN_QUERY.sub(r"\1REDACTED", target)
