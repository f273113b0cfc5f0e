"""The words of the domain, as frozen dataclasses: what comes in, what crosses, what comes back, what is recorded."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from inference_proxy.decisions import Decision


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the monotonic clock by which something must be over."""

    ends_at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Seconds left; zero or negative once it has passed."""
        return self.ends_at - time.monotonic()

    def earlier(self, seconds: float) -> "Deadline":
        """The deadline ``seconds`` before this one."""
        return Deadline(self.ends_at - seconds)

    def within(self, seconds: float) -> "Deadline":
        """This deadline, or ``seconds`` from now if that is sooner."""
        return Deadline(min(self.ends_at, time.monotonic() + seconds))


_ERROR_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
UNKNOWN = "unknown"  # what API Gateway did not say of a caller


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed the request, as API Gateway verified it."""

    user_arn: str
    account_id: str
    source_ip: str
    user_agent: str

    @property
    def principal_arn(self) -> str:
        """The user or role behind the call: a role's session name is dropped, so that sessions of a role add up.

        A role's path is not in its session ARN, so the role ARN has none either.
        """
        partition_and_service, _, resource = self.user_arn.partition(":assumed-role/")
        if not resource:
            return self.user_arn
        return f"{partition_and_service.replace(':sts:', ':iam:', 1)}:role/{resource.split('/')[0]}"


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the HTTP API, free of API Gateway's event format. Header names are lower case."""

    request_id: str
    invocation_id: str
    method: str
    path: str
    caller: Caller
    deadline: Deadline
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))  # by API Gateway's clock, where it says
    arrived: float = field(default_factory=time.monotonic)  # the same moment on the monotonic clock
    catch_all: bool = False  # it came in by the API's catch-all path, not by the path of an operation
    spelled_path: str = ""  # the path before it was decoded, as far as API Gateway tells
    plainly_spelled: bool = True  # no letter, digit or dot percent-encoded, no empty segment
    dry_run: bool = False  # nothing may be sent, counted or recorded: somebody asks what would happen


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a Request. A body that is not text is carried as it is; events.py encodes it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """What is sent to Commercial Bedrock. ``target`` is the quoted path with the query; headers are unsigned."""

    service: str  # "bedrock-runtime" or "bedrock", as in the endpoint's name
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    acceptable: str = "application/json"  # what a success may be, as in an Accept header


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """What Commercial Bedrock answered, byte for byte. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def error_type(self) -> str | None:
        """Bedrock's exception name: ``x-amzn-errortype`` may carry a namespace and a URL around it."""
        value = self.headers.get("x-amzn-errortype")
        return error_name(value.partition(":")[0].rpartition("#")[2].strip()) if value else None


@dataclass(frozen=True, slots=True)
class Crossing:
    """An intent to send something to Commercial Bedrock: all that is known before a byte leaves."""

    request: Request
    operation: str
    decision: Decision
    payload_sha256: str
    request_bytes: int
    model_id: str | None = None
    resolved_model_id: str | None = None
    foundation_model_id: str | None = None
    destination_regions: tuple[str, ...] | None = None  # as in a Resolution
    body: bytes = field(default=b"", repr=False)
    crossing_id: str = ""  # its own id where it is not the request's only crossing
    counts_tokens: bool = False  # its tokens count against a limit of the caller's
    guardrail_action: str | None = None  # of the guardrail before egress: NONE, MASKED or BLOCKED
    guardrail_latency_ms: int | None = None
    begun: float = field(default_factory=time.monotonic)

    @property
    def started_at(self) -> datetime:
        """When it began, counted from when the request came in: one clock dates the records of all environments."""
        return self.request.received_at + timedelta(seconds=self.begun - self.request.arrived)

    @property
    def audit_id(self) -> str:
        """The key of its record, which is also sent upstream so that both partitions' logs join."""
        return self.crossing_id or self.request.request_id


@dataclass(frozen=True, slots=True)
class RecordKey:
    """The key of an audit record; ``timestamp`` is ISO 8601 in UTC with milliseconds and ``Z``."""

    request_id: str
    timestamp: str


@dataclass(slots=True)
class Outcome:
    """How a crossing ended. Filled in while it happens, written once by ``AuditTrail.finish``."""

    state: str = "FAILED"
    status_code: int | None = None
    error_code: str | None = None
    attempts: int = 0
    upstream_latency_ms: int | None = None
    upstream_request_id: str | None = None
    response_bytes: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    auth_mode: str | None = None
    credential_version: str | None = None
    clock_skew_seconds: int | None = None
    endpoint: str | None = None
    destination_region: str | None = None
    sent: bool = False  # a whole request was out, so it may have been served
    denied_by: str | None = None  # a rule that was only to be asked once the credential was known

    @property
    def success(self) -> bool:
        """Whether Bedrock served the request, to its end."""
        return self.state == "COMPLETED" and self.error_code is None


def error_name(text: object) -> str | None:
    """``text`` if it is the name of an error, and no sentence, which might quote a request; else None."""
    return text if isinstance(text, str) and _ERROR_NAME.fullmatch(text) else None


def timestamp_ms(moment: datetime) -> str:
    """``moment`` in UTC as ISO 8601 with milliseconds and ``Z``: sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
