"""The API as the dashboard page knows it, on loopback: made records by the contract's filters, and faults on demand.

It stands in for the deployed API alone; `scripts/dashboard.py` between it and the browser is the real one. At the same
address is an STS that answers `GetCallerIdentity`.
"""

import contextlib
import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.contract.background_server import BackgroundServer
from tests.dashboard_page.made_records import Record, Trail

STAGE = "/v1"
MOST_READ = 4_000  # index items a page: a rare filter comes back short
SIGNER = "arn:aws-us-gov:sts::123456789012:assumed-role/auditor/session"
_RANGES = {"1h": 1, "24h": 24, "7d": 168, "30d": 720}
_EXACT = {"caller": "callerArn", "classification": "classification", "decision": "decision", "state": "state"}
_PRICE_PER_TOKEN = 0.000_009
_CSV_COLUMNS = ("requestId", "timestamp", "state", "statusCode", "modelId", "callerArn", "classification", "userAgent")


@dataclass
class Fault:
    """What the next answers below a path are instead.

    Without a status the connection ends without any; with ``missing_bytes``, before the announced end of the body.
    """

    path: str
    status: int | None = None
    body: bytes = b""
    content_type: str = "application/json"
    times: int = 1_000_000
    missing_bytes: int = 0

    @classmethod
    def error(cls, path: str, status: int, code: str, message: str) -> "Fault":
        """An error in the API's form."""
        error = {"code": code, "message": message, "requestId": "11112222-3333"}
        return cls(path, status, json.dumps({"message": message, "error": error}).encode())


@dataclass
class Asked:
    """A request that came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str] = field(repr=False)
    method: str = "GET"


class InvalidFilterError(Exception):
    """A filter makes no sense."""


class ScriptedApi(BackgroundServer):
    """Answers `GET /dashboard/...` and `/health`; ``callers`` is whose records it says it shows."""

    def __init__(self) -> None:
        self.begin(0)
        super().__init__(self._handler())

    def begin(self, count: int, hours: float = 24) -> None:
        """Begin anew, with so many records evenly over the last hours."""
        self.trail = Trail(count, hours)
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.callers = "all"
        self.complete = True
        self.healthy = True

    @property
    def api_url(self) -> str:
        """What API_URL is set to."""
        return self.url + STAGE

    def queries(self, path: str) -> list[dict[str, str]]:
        """The queries that came to a path, so far."""
        return [asked.query for asked in list(self.asked) if asked.path == path]

    def list_requests(self, query: dict[str, str]) -> dict[str, Any]:
        """One page, of at most MOST_READ records looked at."""
        limit = int(query.get("limit", "50"))
        if not 1 <= limit <= 1000:
            raise InvalidFilterError("`limit` must be a whole number from 1 to 200")
        trail = self.trail  # a test may begin anew meanwhile
        first, last, start, end = _numbers(trail, query)
        at = int(query["cursor"]) if "cursor" in query else last
        lowest = max(first, at - MOST_READ)
        found: list[Record] = []
        while at > lowest and len(found) < limit:
            at -= 1
            record = trail[at]
            if matches(record, query, start, end):
                found.append(record)
        narrowed = any(name not in ("timeRange", "from", "to", "limit", "cursor") for name in query)
        total = len(found) if narrowed else last - first
        answer = {"requests": found, "totalCount": total, "totalCountIsExact": not narrowed or at <= first}
        cursor = {"nextCursor": str(at)} if at > first else {}
        return {**answer, **cursor, "filters": {"caller": self.callers}}

    def usage(self, query: dict[str, str]) -> dict[str, Any]:
        """Sums by what ``groupBy`` says."""
        group = query.get("groupBy", "model")
        trail = self.trail  # a test may begin anew meanwhile
        first, last, start, end = _numbers(trail, query)
        totals, groups = Sums(), defaultdict(Sums)
        if group in ("hour", "day"):
            for key in _slots(start, end, group):
                groups[key] = Sums()
        for number in range(first, last):
            record = trail[number]
            if matches(record, query, start, end):
                totals.add(record)
                groups[_key(record, group)].add(record)
        rows = [{"key": key, **sums.row()} for key, sums in groups.items()]
        if group not in ("hour", "day"):
            rows.sort(key=lambda row: -int(row["requests"]))
        return {"usage": rows, "totals": totals.row(), "complete": self.complete, "filters": {"caller": self.callers}}

    def _handler(api) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                path, query = parts.path.removeprefix(STAGE), dict(parse_qsl(parts.query))
                api.asked.append(Asked(path, query, {name.lower(): value for name, value in self.headers.items()}))
                if fault := next((fault for fault in api.faults if path.startswith(fault.path) and fault.times), None):
                    fault.times -= 1
                    self._fail(fault)
                    return
                if "/us-gov-west-1/execute-api/aws4_request" not in self.headers.get("Authorization", ""):
                    self._fail(Fault.error(path, 403, "MissingAuthenticationToken", "Missing Authentication Token"))
                    return
                try:
                    self._answer(path, query)
                except InvalidFilterError as error:
                    self._fail(Fault.error(path, 400, "InvalidParameter", str(error)))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if fault := next((fault for fault in api.faults if fault.path == "sts"), None):
                    self._fail(fault)
                    return
                account = SIGNER.split(":")[4]
                result = f"<Arn>{SIGNER}</Arn><UserId>made-up</UserId><Account>{account}</Account>"
                namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
                answer = f'<GetCallerIdentityResponse xmlns="{namespace}"><GetCallerIdentityResult>{result}'
                answer += "</GetCallerIdentityResult></GetCallerIdentityResponse>"
                self._send(200, answer.encode(), "text/xml")

            def _answer(self, path: str, query: dict[str, str]) -> None:
                as_csv = self.headers.get("Accept") == "text/csv"
                if path == "/health":
                    document = {"status": "ok" if api.healthy else "unavailable", "checks": {}}
                    self._send(200 if api.healthy else 503, json.dumps(document).encode())
                elif path == "/dashboard/usage":
                    answer = api.usage(query)
                    columns = ("key", "requests", "errors", "denials")
                    self._document(as_csv, answer, answer["usage"], columns)
                elif path == "/dashboard/requests":
                    answer = api.list_requests(query)
                    self._document(as_csv, answer, answer["requests"], _CSV_COLUMNS)
                else:
                    self._one(path.rpartition("/")[2])

            def _one(self, request_id: str) -> None:
                numbers = range(len(api.trail) - 1, max(-1, len(api.trail) - MOST_READ), -1)
                found = (record for number in numbers if (record := api.trail[number])["requestId"] == request_id)
                if record := next(found, None):
                    self._send(200, json.dumps({"request": record}).encode())
                else:
                    self._fail(Fault.error("", 404, "RecordNotFound", "there is no record of this id"))

            def _document(self, as_csv: bool, answer: Record, rows: list[Record], columns: tuple[str, ...]) -> None:
                if not as_csv:
                    self._send(200, json.dumps(answer).encode())
                    return
                text = io.StringIO()
                writer = csv.DictWriter(text, columns, extrasaction="ignore")
                writer.writeheader()
                writer.writerows(rows)
                headers = {"X-Next-Cursor": answer["nextCursor"]} if "nextCursor" in answer else {}
                headers |= {"X-Complete": json.dumps(answer["complete"])} if "complete" in answer else {}
                self._send(200, text.getvalue().encode(), "text/csv; charset=utf-8", headers)

            def _fail(self, fault: Fault) -> None:
                if fault.status is None:
                    self.close_connection = True
                    return
                self.close_connection = bool(fault.missing_bytes)
                self._send(fault.status, fault.body, fault.content_type, missing_bytes=fault.missing_bytes)

            def _send(
                self,
                status: int,
                body: bytes,
                content_type: str = "application/json",
                headers: Record | None = None,
                missing_bytes: int = 0,
            ) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": content_type, **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) + missing_bytes))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the page gives up what it no longer needs
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler


class Sums:
    """What the usage of a group adds up to."""

    def __init__(self) -> None:
        self._latencies: list[int] = []
        self._sums: dict[str, int] = defaultdict(int)

    def add(self, record: Record) -> None:
        """Count one record."""
        sums = self._sums
        sums["requests"] += 1
        outcome = {"STARTED": "inProgress", "DENIED": "denials", "ABANDONED": "abandoned"}.get(record["state"])
        if outcome or not record.get("success"):
            sums[outcome or "errors"] += 1
        for name in ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"):
            sums[name] += record.get(name, 0)
        sums["requestBytes"] += record.get("requestSize", 0)
        sums["responseBytes"] += record.get("responseSize", 0)
        if "latency" in record:
            self._latencies.append(record["latency"])

    def row(self) -> dict[str, Any]:
        """As the API shows it."""
        names = ("requests", "errors", "denials", "abandoned", "inProgress", "inputTokens", "outputTokens")
        names += ("cacheReadInputTokens", "cacheWriteInputTokens", "requestBytes", "responseBytes")
        latencies = sorted(self._latencies)
        return {
            **{name: self._sums[name] for name in names},
            "latencyMs": {
                f"p{percent}": latencies[len(latencies) * percent // 100] if latencies else None for percent in (50, 95)
            },
            "estimatedCostUsd": (self._sums["inputTokens"] + self._sums["outputTokens"]) * _PRICE_PER_TOKEN,
            "unpricedRequests": 0,
        }


def matches(record: Record, query: dict[str, str], start: datetime, end: datetime) -> bool:
    """Whether a record passes the filters."""
    if not start <= datetime.fromisoformat(record["timestamp"]) < end or query.get("partition") == "govcloud":
        return False
    if any(name in query and record.get(attribute, "(none)") != query[name] for name, attribute in _EXACT.items()):
        return False
    if "model" in query and query["model"] not in (record.get("modelId"), record.get("foundationModelId")):
        return False
    if query.get("success", "all") != "all" and record.get("success") is not (query["success"] == "true"):
        return False
    status = query.get("status")
    if status and not status.isdecimal() and status not in ("success", "error", "denied", "started"):
        raise InvalidFilterError("`status` must be a whole number from 100 to 599, or one of success, error, denied")
    by_name = {"success": record.get("success") is True, "denied": record["state"] == "DENIED"}
    by_name |= {"started": record["state"] == "STARTED", "error": record.get("statusCode", 0) in (429, 504)}
    return status is None or by_name.get(status, str(record.get("statusCode")) == status)


def _numbers(trail: Trail, query: dict[str, str]) -> tuple[int, int, datetime, datetime]:
    """First and last number to look at, and the time."""
    hours = _RANGES.get(query.get("timeRange", "24h"))
    if hours is None:
        raise InvalidFilterError(f"`timeRange` must be one of {', '.join(_RANGES)}")
    end = datetime.fromisoformat(query["to"]) if "to" in query else datetime.now(UTC) + timedelta(seconds=1)
    start = datetime.fromisoformat(query["from"]) if "from" in query else end - timedelta(hours=hours)
    last = len(trail) if end >= trail.end else trail.number_before(end)
    return trail.number_before(start), last, start, end


def _key(record: Record, group: str) -> str:
    moment = str(record["timestamp"])
    if group in ("hour", "day"):
        return moment[:10] if group == "day" else f"{moment[:13]}:00Z"
    attribute = {"model": "foundationModelId", "caller": "callerArn", "classification": "classification"}[group]
    return str(record.get(attribute, "(none)"))


def _slots(start: datetime, end: datetime, group: str) -> Iterator[str]:
    step = timedelta(hours=1) if group == "hour" else timedelta(days=1)
    moment = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    moment = moment if group == "hour" else moment.replace(hour=0)
    while moment < end:
        yield moment.strftime("%Y-%m-%d" if group == "day" else "%Y-%m-%dT%H:00Z")
        moment += step
