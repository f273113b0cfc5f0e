"""Audit records as the router writes them, made from a number: the same every time, and only when somebody asks."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]

MODELS = (
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "amazon.nova-pro-v1:0",
    "openai.gpt-oss-120b-1:0",
    "meta.llama3-3-70b-instruct-v1:0",
)
CALLERS = tuple(
    f"arn:aws-us-gov:iam::123456789012:role/{name}"
    for name in ("analyst", "batch-summaries", "search-service", "case-tool")
)
LABELS = ("public", "internal", "cui-basic")
REGIONS = ("us-east-1", "us-west-2")
_STATES = ("DENIED", "FAILED", "ERROR", "ABANDONED", *["COMPLETED"] * 36)
_OUTCOMES: dict[str, Record] = {
    "COMPLETED": {"state": "COMPLETED", "success": True, "statusCode": 200},
    "ERROR": {"state": "COMPLETED", "success": False, "statusCode": 429, "errorCode": "ThrottlingException"},
    "FAILED": {"state": "FAILED", "success": False, "statusCode": 504, "errorCode": "UpstreamTimeout"},
    "DENIED": {"state": "DENIED", "success": False, "statusCode": 403, "errorCode": "PolicyDenied"},
    "ABANDONED": {"state": "ABANDONED", "success": False, "errorCode": "OutcomeUnknown"},
    "STARTED": {"state": "STARTED"},
}


def timestamp(moment: datetime) -> str:
    """As records have it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def request_id(number: int) -> str:
    """The same id for the same number."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def made_record(number: int, moment: datetime, **changes: object) -> Record:
    """Record number so and so, of a moment; ``changes`` replace attributes, None takes one away."""
    spread = number * 7919 + number // 40
    outcome = _OUTCOMES[_STATES[spread % len(_STATES)]]
    model, caller = MODELS[spread % 11 % len(MODELS)], CALLERS[spread % 7 % len(CALLERS)]
    latency = 350 + spread * 37 % 4200
    fields: Record = {
        "requestId": request_id(number),
        "timestamp": timestamp(moment),
        "ttl": int(moment.timestamp()) + 30 * 86_400,
        "invocationId": request_id(-number - 1),
        "operation": ("Converse", "InvokeModel", "ConverseStream", "ChatCompletions")[spread % 4],
        "apiPath": f"/model/{model}/converse",
        "sourcePartition": "govcloud",
        "destinationPartition": "commercial",
        "modelId": model,
        "resolvedModelId": model,
        "foundationModelId": model.removeprefix("us."),
        "userArn": caller.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/session",
        "callerArn": caller,
        "accountId": "123456789012",
        "sourceIP": f"10.20.{spread % 40}.{spread % 250 + 1}",
        "userAgent": "Boto3/1.44.5 md/Botocore#1.44.5 lang/python#3.13.1",
        "decision": "DENY" if outcome["state"] == "DENIED" else "ALLOW",
        "decisionRule": "no-cui" if outcome["state"] == "DENIED" else "approved-models",
        "policyVersion": hashlib.sha256(b"policy").hexdigest(),
        "classification": LABELS[spread % 17 % len(LABELS)],
        "classificationSource": "header",
        "payloadSha256": hashlib.sha256(str(spread).encode()).hexdigest(),
        "requestSize": 900 + spread % 20_000,
        "release": "made-up",
        **outcome,
    }
    if fields["state"] in ("COMPLETED", "FAILED"):
        fields |= {"latency": latency, "upstreamLatencyMs": latency - 40, "attempts": 1, "authMode": "api_key"}
        fields |= {"endpoint": "bedrock-runtime-fips.us-east-1.amazonaws.com", "destinationRegion": REGIONS[spread % 2]}
    if fields.get("success"):
        fields |= {
            "inputTokens": 80 + spread % 3000,
            "outputTokens": 20 + spread % 900,
            "responseSize": 700 + spread % 9000,
        }
        fields |= {"upstreamRequestId": request_id(-spread)}
    fields |= changes
    return {name: value for name, value in fields.items() if value is not None}


class Trail:
    """Records number 0 (the oldest) to ``count - 1``, evenly over some hours before ``end``, and those added since."""

    def __init__(self, count: int, hours: float) -> None:
        self.count = count
        self.end = datetime.now(UTC)
        self.added: list[Record] = []
        # A little less, so that none grows too old for a range of hours while a test looks.
        self._step = timedelta(hours=0.95 * hours) / max(1, count)

    def __len__(self) -> int:
        return self.count + len(self.added)

    def __getitem__(self, number: int) -> Record:
        if number >= self.count:
            return self.added[number - self.count]
        return made_record(number, self.end - self._step * (self.count - number))

    def add(self, **changes: object) -> Record:
        """One more, of now."""
        record = made_record(len(self), datetime.now(UTC), **changes)
        self.added.append(record)
        return record

    def number_before(self, moment: datetime) -> int:
        """How many of the records made at the start are older than a moment, so that nobody need make them to know."""
        return max(0, min(self.count, self.count - int((self.end - moment) / self._step)))
