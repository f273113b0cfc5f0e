"""What Commercial saw: the calls in CloudTrail's events and in Bedrock's model invocation logs, without their bodies.

Follows "Monitor Amazon Bedrock API calls using CloudTrail" and "Monitor model invocation using CloudWatch Logs and
Amazon S3" in the Amazon Bedrock User Guide, and "CloudTrail record contents" in the AWS CloudTrail User Guide. An
invocation log holds prompts: of a line nothing is kept but what a Call has.
"""

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from log_reconciliation.log_files import LogFile

CLOUDTRAIL = "CloudTrail"
INVOCATION_LOG = "invocation log"

_EVENT_SOURCE = "bedrock.amazonaws.com"
_SCHEMA = "ModelInvocationLog"
_AUDIT_ID = re.compile(r" audit/([0-9A-Za-z-]{1,128})\]?$")
# To these the router adds the audit id itself; in the metadata of all others it is a caller's word.
_WITH_METADATA = ("InvokeModel", "InvokeModelWithResponseStream")
_TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Call:
    """One call that Commercial Bedrock got. Texts are printable ASCII; those that are not known are empty."""

    request_id: str
    time: float  # epoch seconds
    operation: str
    model: str
    identity: str
    error: str
    audit_id: str  # where the router puts it
    callers_id: str  # where only a caller can have put one
    source: str
    file: str


class CommercialLogs:
    """Reads log files one after the other, and counts what is not a call of Bedrock's."""

    def __init__(self) -> None:
        self.files = 0
        self.others = 0  # events of other services, documents of other kinds
        self.sources: set[str] = set()  # there was a file of this kind, with calls or without
        self.unreadable: list[str] = []  # a line each: what of which file could not be read

    def calls(self, files: Iterable[LogFile]) -> Iterator[Call]:
        """Every call in the files. What cannot be read is noted, and the reading goes on."""
        for file in files:
            self.files += 1
            try:
                with file.open() as lines:
                    yield from self._calls_in(file.name, lines)
            except (OSError, EOFError, zlib.error) as error:
                self.unreadable.append(f"{file.name}: cut off or no gzip ({type(error).__name__})")

    def _calls_in(self, name: str, text: Iterable[bytes]) -> Iterator[Call]:
        lines: Iterator[bytes] = filter(bytes.strip, text)
        first = next(lines, b"{}")
        document = _parsed(first)
        if document is None:  # written over several lines, as exports from consoles are, or one line is broken
            rest = list(lines)
            document, lines = _parsed(b"".join([first, *rest])), iter(rest)
        if isinstance(document, dict) and isinstance(document.get("Records"), list):
            self.sources.add(CLOUDTRAIL)
            entries: Iterable[Any] = document["Records"]
        else:
            entries = chain([document], map(_parsed, lines))
        broken = 0
        for entry in entries:
            try:
                call = self._call(entry, name)
            except (ValueError, TypeError, KeyError, AttributeError):
                broken += 1
            else:
                if call and call.request_id:
                    yield call
                broken += call is not None and not call.request_id  # those without an id would all be one call
        if broken:
            self.unreadable.append(f"{name}: {broken} of its entries are no log entries, or no JSON")

    def _call(self, entry: Any, file: str) -> Call | None:
        """The call of an entry; None if it is of something else. Raises for what is no entry at all."""
        if entry is None:
            raise ValueError
        if entry.get("schemaType") == _SCHEMA:
            self.sources.add(INVOCATION_LOG)
            return _from_invocation_log(entry, file)
        if entry.get("eventSource") == _EVENT_SOURCE and entry.get("eventType") != "AwsServiceEvent":
            return _from_trail(entry, file)
        self.others += 1
        return None


def plain(value: object) -> str:
    """A text of somebody else's, fit for a terminal; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in value[:_TEXT_LIMIT])


def _from_trail(event: dict[str, Any], file: str) -> Call:
    claimed = _AUDIT_ID.search(event.get("userAgent") or "")
    return Call(
        request_id=plain(event.get("requestID")) or plain(event["eventID"]),
        time=_epoch_seconds(event["eventTime"]),
        operation=plain(event["eventName"]),
        model=plain((event.get("requestParameters") or {}).get("modelId")),
        identity=plain((event.get("userIdentity") or {}).get("arn")),
        error=plain(event.get("errorCode")),
        audit_id=claimed[1] if claimed else "",
        callers_id="",
        source=CLOUDTRAIL,
        file=file,
    )


def _from_invocation_log(entry: dict[str, Any], file: str) -> Call:
    operation = plain(entry["operation"])
    claimed = plain((entry.get("requestMetadata") or {}).get("auditId"))
    is_routers = operation in _WITH_METADATA
    return Call(
        request_id=plain(entry["requestId"]),
        time=_epoch_seconds(entry["timestamp"]),
        operation=operation,
        model=plain(entry.get("modelId")),
        identity=plain((entry.get("identity") or {}).get("arn")),
        error=plain(entry.get("errorCode")),
        audit_id=claimed if is_routers else "",
        callers_id="" if is_routers else claimed,
        source=INVOCATION_LOG,
        file=file,
    )


def _parsed(text: bytes) -> Any:
    """The JSON document; None for what is none. An error's own text might quote a prompt."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _epoch_seconds(timestamp: str) -> float:
    moment = datetime.fromisoformat(timestamp)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
