"""The audit trail: an intent record before anything leaves, its outcome afterwards, in one DynamoDB table.

Key ``requestId`` + ``timestamp``, TTL attribute ``ttl``. Three indexes give time order without a hot partition:
``by-time`` on ``<day>#<shard>``, ``by-caller`` on ``<caller's ARN>#<day>#<shard>`` and ``by-outcome`` on
``<OUTCOME>#<day>#<shard>``, all sorted by ``<timestamp>#<requestId>`` ("Using write sharding to distribute workloads
evenly" in the DynamoDB Developer Guide). A record never holds a prompt, a completion or a secret.
"""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime

from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.errors import AuditUnavailableError
from inference_proxy.models import Crossing, Deadline, Outcome, RecordKey, timestamp_ms

SHARDS = 4  # the arithmetic is in terraform/modules/dynamodb/README.md; a reader asks all shards
_WRITE_SECONDS = 3.0
# Callers choose their user agent; a record stays within one write unit or two. The longest ARN is a user's, with a path
# of 512 characters and a name of 64: with a day and a shard behind it, it is not cut.
_TEXT_LIMIT = 640

AttributeValue = dict[str, str | bool]


class AuditTrail:
    """Writes audit records."""

    def __init__(self, dynamodb: AwsJsonClient, table: str, retention_days: int, release: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._retention_seconds = retention_days * 86_400
        self._release = release

    def begin(self, crossing: Crossing, deadline: Deadline) -> None:
        """Record the intent (state STARTED). Raises AuditUnavailableError; then nothing may be sent."""
        self._put(crossing, {"state": "STARTED"}, deadline)

    def deny(self, crossing: Crossing, status_code: int, error_code: str, deadline: Deadline) -> None:
        """Record a crossing that the policy refused (state DENIED, final). Raises AuditUnavailableError."""
        outcome: dict[str, str | int | bool] = {
            "state": "DENIED",
            "statusCode": status_code,
            "success": False,
            "errorCode": error_code,
        }
        self._put(crossing, outcome, deadline)

    def finish(self, crossing: Crossing, outcome: Outcome, latency_ms: int, deadline: Deadline) -> None:
        """Write the outcome (COMPLETED or FAILED), exactly once.

        Raises OutcomeRefusedError where the record has another end, else AuditUnavailableError; the intent stays.
        """
        timestamp = timestamp_ms(crossing.started_at)
        fields: dict[str, str | int | bool | None] = {
            "state": outcome.state,
            "outcomeDayShard": _outcome_partition(outcome.state, outcome.success, timestamp, crossing.audit_id),
            "success": outcome.success,
            "statusCode": outcome.status_code,
            "errorCode": outcome.error_code,
            "latency": latency_ms,
            "upstreamLatencyMs": outcome.upstream_latency_ms,
            "attempts": outcome.attempts,
            "upstreamRequestId": outcome.upstream_request_id,
            "responseSize": outcome.response_bytes,
            "inputTokens": outcome.input_tokens,
            "outputTokens": outcome.output_tokens,
            "cacheReadInputTokens": outcome.cache_read_input_tokens,
            "cacheWriteInputTokens": outcome.cache_write_input_tokens,
            "authMode": outcome.auth_mode,
            "credentialVersion": outcome.credential_version,
            "clockSkewSeconds": outcome.clock_skew_seconds,
            "endpoint": outcome.endpoint,
            "destinationRegion": outcome.destination_region,
            "decision": "DENY" if outcome.denied_by else None,
            "decisionRule": outcome.denied_by,
        }
        # A repeated call finds its own outcome; anybody else's, or none at all, is left alone.
        condition = "invocationId = :invocation AND (#state = :started OR #state = :state)"
        invocation: Mapping[str, AttributeValue] = {":invocation": {"S": crossing.request.invocation_id}}
        self._update(RecordKey(crossing.audit_id, timestamp), fields, condition, invocation, deadline)

    def abandon(self, key: RecordKey, deadline: Deadline) -> bool:
        """Close a record that is still STARTED as ABANDONED: what was sent may have been served, nobody knows.

        False if it has another state by now, or is gone. Raises AuditUnavailableError.
        """
        fields: dict[str, str | int | bool | None] = {
            "state": "ABANDONED",
            "outcomeDayShard": _outcome_partition("ABANDONED", False, key.timestamp, key.request_id),
            "success": False,
            "errorCode": "OutcomeUnknown",
            # Finer than other moments, as it also tells this write from that of another reconciler.
            "closedAt": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        try:
            # A repeated call, whose first answer was lost, finds its own work.
            self._update(key, fields, "#state = :started OR (#state = :state AND #closedAt = :closedAt)", {}, deadline)
        except OutcomeRefusedError:
            return False
        return True

    def _update(
        self,
        key: RecordKey,
        fields: Mapping[str, str | int | bool | None],
        condition: str,
        values: Mapping[str, AttributeValue],
        deadline: Deadline,
    ) -> None:
        written = {name: value for name, value in fields.items() if value is not None}
        arguments = {
            "TableName": self._table,
            "Key": {"requestId": {"S": key.request_id}, "timestamp": {"S": key.timestamp}},
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in written),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {f"#{name}": name for name in written},
            "ExpressionAttributeValues": {
                ":started": {"S": "STARTED"},
                **values,
                **{f":{name}": to_attribute(value) for name, value in written.items()},
            },
        }
        try:
            self._dynamodb.call("UpdateItem", arguments, deadline.within(_WRITE_SECONDS))
        except AwsServiceError as error:
            kind = OutcomeRefusedError if error.code == "ConditionalCheckFailedException" else AuditUnavailableError
            raise kind(f"the outcome cannot be recorded ({error.code})") from None

    def _put(self, crossing: Crossing, outcome: Mapping[str, str | int | bool], deadline: Deadline) -> None:
        request = crossing.request
        caller = request.caller
        timestamp = timestamp_ms(crossing.started_at)
        fields = {
            "requestId": crossing.audit_id,
            "timestamp": timestamp,
            "ttl": int(datetime.now(UTC).timestamp()) + self._retention_seconds,
            "dayShard": _partition(timestamp, crossing.audit_id),
            "callerDayShard": f"{caller.principal_arn}#{_partition(timestamp, crossing.audit_id)}",
            "outcomeDayShard": _outcome_partition(str(outcome["state"]), False, timestamp, crossing.audit_id),
            "timeKey": f"{timestamp}#{crossing.audit_id}",
            "invocationId": request.invocation_id,
            "parentRequestId": request.request_id if crossing.crossing_id else None,
            "operation": crossing.operation,
            "apiPath": request.path,
            "sourcePartition": "govcloud",
            "destinationPartition": "commercial",
            "modelId": crossing.model_id,
            "resolvedModelId": crossing.resolved_model_id,
            "foundationModelId": crossing.foundation_model_id,
            "userArn": caller.user_arn,
            "callerArn": caller.principal_arn,
            "accountId": caller.account_id,
            "sourceIP": caller.source_ip,
            "userAgent": caller.user_agent,
            "decision": "ALLOW" if crossing.decision.allowed else "DENY",
            "decisionRule": crossing.decision.rule,
            "decisionReason": crossing.decision.reason,
            "policyVersion": crossing.decision.policy_version,
            "classification": crossing.decision.classification,
            "classificationSource": crossing.decision.classification_source,
            "marking": crossing.decision.marking,
            "guardrailAction": crossing.guardrail_action,
            "guardrailLatencyMs": crossing.guardrail_latency_ms,
            "payloadSha256": crossing.payload_sha256,
            "requestSize": crossing.request_bytes,
            "release": self._release,
            **outcome,
        }
        arguments = {
            "TableName": self._table,
            "Item": {name: to_attribute(value) for name, value in fields.items() if value is not None},
            # A repeated write finds its own record, but never goes back behind an outcome.
            "ConditionExpression": "attribute_not_exists(requestId) OR "
            "(invocationId = :invocation AND #state = :state)",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {
                ":invocation": {"S": request.invocation_id},
                ":state": to_attribute(outcome["state"]),
            },
        }
        try:
            self._dynamodb.call("PutItem", arguments, deadline.within(_WRITE_SECONDS))
        except AwsServiceError as error:
            problem = f"the audit record cannot be written ({error.code}), so nothing was sent; try again later"
            raise AuditUnavailableError(problem, {"Retry-After": "5"}) from None


class OutcomeRefusedError(AuditUnavailableError):
    """The record has an end already, or is gone. Only ever logged: the answer to the caller has gone out by then."""

    code = "OutcomeRefused"


def to_attribute(value: str | int | bool) -> AttributeValue:
    """A value as DynamoDB's JSON; text that a caller controls is cut to a bound."""
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value[:_TEXT_LIMIT]}


def _partition(timestamp: str, audit_id: str) -> str:
    return f"{timestamp[:10]}#{zlib.crc32(audit_id.encode()) % SHARDS}"


def _outcome_partition(state: str, success: bool, timestamp: str, audit_id: str) -> str:
    outcome = {"COMPLETED": "SUCCESS" if success else "ERROR", "FAILED": "ERROR"}.get(state, state)
    return f"{outcome}#{_partition(timestamp, audit_id)}"
