"""GET /dashboard/requests and /dashboard/requests/{requestId}: what crossed, newest first, as JSON or CSV."""

import json
import re
from dataclasses import replace

from inference_proxy.audit_filter import AuditFilter
from inference_proxy.audit_query import AuditReader
from inference_proxy.audit_table import Record
from inference_proxy.errors import InvalidParameterError, RecordNotFoundError
from inference_proxy.models import Request, Response, timestamp_ms
from inference_proxy.operations.answers import json_answer
from inference_proxy.operations.dashboard_access import visible_caller
from inference_proxy.operations.dashboard_csv import csv_answer, wants_csv
from inference_proxy.operations.dashboard_cursor import Cursor, question
from inference_proxy.operations.dashboard_query import (
    RANGE_PARAMETERS,
    Query,
    label,
    model,
    number,
    one_of,
    time_range,
)
from inference_proxy.operations.query_parameters import single_values
from inference_proxy.policy_store import PolicyStore

# Under which outcomes of the index the records are that a parameter asks for.
_OUTCOMES = ("STARTED", "SUCCESS", "ERROR", "DENIED", "ABANDONED")
_SUCCESS = {"all": _OUTCOMES, "true": ("SUCCESS",), "false": ("ERROR", "DENIED", "ABANDONED")}
_STATUS = {outcome.lower(): (outcome,) for outcome in _OUTCOMES}
_STATES = {
    "STARTED": ("STARTED",),
    "COMPLETED": ("SUCCESS", "ERROR"),
    "FAILED": ("ERROR",),
    "DENIED": ("DENIED",),
    "ABANDONED": ("ABANDONED",),
}
_PARTITIONS = ("all", "commercial", "govcloud")
_DECISIONS = {"ALLOW": ("STARTED", "SUCCESS", "ERROR", "ABANDONED"), "DENY": ("DENIED",)}
_DEFAULT_LIMIT, _MOST, _MOST_AS_CSV = 50, 200, 1_000
_FILTERS = ("success", "state", "status", "partition", "model", "modelId", "caller", "classification", "decision")
_PARAMETERS = (*RANGE_PARAMETERS, *_FILTERS, "limit", "cursor")
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_INTERNAL = ("dayShard", "callerDayShard", "outcomeDayShard", "timeKey", "ttl")
_MOST_BYTES = 2_500_000  # of records in one answer: escaped once more they must fit Lambda's 6 MB
COLUMNS = (
    *("timestamp", "requestId", "parentRequestId", "state", "success", "statusCode", "errorCode", "operation"),
    *("modelId", "resolvedModelId", "foundationModelId", "callerArn", "userArn", "accountId", "sourceIP", "userAgent"),
    *("classification", "classificationSource", "marking", "decision", "decisionRule", "decisionReason"),
    *("policyVersion", "guardrailAction", "guardrailLatencyMs", "latency", "upstreamLatencyMs", "attempts"),
    *("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "requestSize", "responseSize"),
    *("sourcePartition", "destinationPartition", "endpoint", "destinationRegion", "apiPath", "payloadSha256"),
    *("upstreamRequestId", "authMode", "credentialVersion", "clockSkewSeconds", "closedAt", "invocationId", "release"),
)


class Dashboard:
    """Answers questions about the audit trail: everybody about their own records, auditors about all."""

    def __init__(self, reader: AuditReader, policies: PolicyStore) -> None:
        self._reader = reader
        self._policies = policies

    def list_requests(self, request: Request) -> Response:
        """One page of audit records, the number that match, and the filters that were applied; or the page as CSV."""
        query = single_values(request.query, _PARAMETERS)
        as_csv = wants_csv(request.headers)
        limit = number(query, "limit", 1, _MOST_AS_CSV if as_csv else _MOST) if "limit" in query else _DEFAULT_LIMIT
        period = time_range(query, request.received_at)
        caller_arn = visible_caller(request, query, self._policies)
        asked = question(query, caller_arn)
        cursor = Cursor(asked, period.start, period.end)
        if "cursor" in query:
            cursor = Cursor.decoded(query["cursor"], asked)
        outcomes = _outcomes(query)
        partition = one_of(query, "partition", _PARTITIONS, "all")
        wanted = AuditFilter(
            cursor.start,
            cursor.end,
            () if outcomes == _OUTCOMES else outcomes,
            caller_arn,
            model(query),
            _exact(query),
        )
        if partition == "govcloud":  # every crossing goes to Commercial
            records, following = list[Record](), replace(cursor, before=None, total=0, total_is_exact=True)
        else:
            records, following = self._page(wanted, cursor, limit, request)
        next_cursor = following.encoded()
        shown = [{name: value for name, value in record.items() if name not in _INTERNAL} for record in records]
        if as_csv:
            return csv_answer(COLUMNS, shown, "requests", {"X-Next-Cursor": next_cursor} if next_cursor else {})
        return json_answer(
            {
                "requests": shown,
                "totalCount": following.total,
                "totalCountIsExact": following.total_is_exact,
                **({"nextCursor": next_cursor} if next_cursor else {}),
                "filters": {
                    **{name: query[name] for name in _FILTERS if name in query},
                    "caller": wanted.caller_arn or "all",
                    "partition": partition,
                    "success": query.get("success", "all"),
                    "timeRange": period.name,
                    "from": timestamp_ms(cursor.start),
                    "to": timestamp_ms(cursor.end),
                },
            }
        )

    def get_request(self, request: Request) -> Response:
        """One record. Raises RecordNotFoundError, in the same words whether there is none or one of somebody else's."""
        query = single_values(request.query, ())
        request_id = request.path_parameters["requestId"]
        caller_arn = visible_caller(request, query, self._policies)
        found = _REQUEST_ID.fullmatch(request_id) and self._reader.record(request_id, caller_arn, request.deadline)
        if not found:
            raise RecordNotFoundError("no audit record that you may see has this id, or it has expired")
        return json_answer({"request": {name: value for name, value in found.items() if name not in _INTERNAL}})

    def _page(self, wanted: AuditFilter, cursor: Cursor, limit: int, request: Request) -> tuple[list[Record], Cursor]:
        """The records after the cursor, and the cursor after them."""
        page = self._reader.page(replace(wanted, before=cursor.before), limit, request.deadline)
        records = _fitting(page.records)
        before = page.before if len(records) == len(page.records) else str(records[-1]["timeKey"])
        seen = cursor.seen + len(records)
        total, exact = cursor.total, cursor.total_is_exact
        if before is None and not exact:
            total, exact = seen, True
        elif cursor.before is None and len(records) == limit:
            # The first page counts for all. What took long to search for one page would take as long again: no count.
            total, exact = self._reader.count(wanted, request.deadline)
        total = max(total, seen)  # a count that had to stop may know less
        return records, replace(cursor, before=before, seen=seen, total=total, total_is_exact=exact)


def _outcomes(query: Query) -> tuple[str, ...]:
    """The outcomes that every one of the parameters allows. Raises InvalidParameterError where there is none."""
    allowed_by = {"success": _SUCCESS[one_of(query, "success", tuple(_SUCCESS), "all")]}
    if "state" in query:
        allowed_by["state"] = _STATES[one_of(query, "state", tuple(_STATES))]
    status = query.get("status")
    if status in _STATUS:
        allowed_by["status"] = _STATUS[status]
    elif status is not None:
        # What Bedrock began well may still have ended badly; what is denied never has a status of success.
        allowed_by["status"] = ("SUCCESS", "ERROR") if 200 <= _status_code(query) < 300 else ("ERROR", "DENIED")
    outcomes = tuple(outcome for outcome in _OUTCOMES if all(outcome in allowed for allowed in allowed_by.values()))
    decided = _DECISIONS.get(one_of(query, "decision", _DECISIONS), _OUTCOMES)
    if not any(outcome in decided for outcome in outcomes):
        given = [f"`{name}`" for name in ("success", "state", "status", "decision") if name in query]
        raise InvalidParameterError(f"{', '.join(given)} contradict each other: no record can have all of them")
    return outcomes


def _exact(query: Query) -> dict[str, str | int]:
    """Attributes that must have exactly this value."""
    equals: dict[str, str | int] = {}
    if "state" in query:
        equals["state"] = query["state"]
    if "status" in query and query["status"] not in _STATUS:
        equals["statusCode"] = _status_code(query)
    if (classification := label(query, "classification")) is not None:
        equals["classification"] = classification
    if decision := one_of(query, "decision", _DECISIONS):
        equals["decision"] = decision
    return equals


def _status_code(query: Query) -> int:
    return number(query, "status", 100, 599, f", or one of {', '.join(_STATUS)}")


def _fitting(records: list[Record]) -> list[Record]:
    """The first records, as many as an answer can carry."""
    left = _MOST_BYTES
    for position, record in enumerate(records):
        left -= len(json.dumps(record))
        if left < 0:
            return records[:position]
    return records
