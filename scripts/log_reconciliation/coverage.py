"""Which of the router's operations a log of Commercial's can be expected to have, and under which names.

By "Monitor Amazon Bedrock API calls using CloudTrail" (management events) and "Monitor model invocation using
CloudWatch Logs and Amazon S3" in the Amazon Bedrock User Guide. A trail has data events (asynchronous invocations,
guardrails) only if it is told to, and for the vendors' paths the first page names no events. What is not covered is
joined all the same where it is there; nobody is accused where it is not.
"""

from log_reconciliation.logs import CLOUDTRAIL, INVOCATION_LOG

_INVOCATIONS = ("InvokeModel", "InvokeModelWithResponseStream", "Converse", "ConverseStream")
_CONTROL_PLANE = (
    "ListFoundationModels",
    "GetFoundationModel",
    "GetFoundationModelAvailability",
    "ListInferenceProfiles",
    "GetInferenceProfile",
    "CreateInferenceProfile",
)
_ROUTERS_OWN = {
    "ListModels": ("ListFoundationModels", "ListInferenceProfiles"),
    "ReadModelAccess": ("GetFoundationModelAvailability",),
    "ProveCredential": ("ListInferenceProfiles",),
}
_VENDORS = ("ChatCompletions", "Responses", "Messages")  # IAM has no actions of their own for them
_COVERED = {
    CLOUDTRAIL: {*_INVOCATIONS, *_CONTROL_PLANE, *_ROUTERS_OWN, "ListAsyncInvokes"},
    INVOCATION_LOG: {*_INVOCATIONS, "ChatCompletions", "Responses"},
}
_MOST_CALLS = 3  # of one request: two attempts, and one with another credential


def covered(sources: set[str]) -> set[str]:
    """The operations of records that at least one of these sources must have."""
    return {operation for source in sources for operation in _COVERED[source]}


def calls_of(operation: str) -> tuple[str, ...]:
    """What Commercial may see of an operation of a record."""
    if operation in _VENDORS:
        return operation, "InvokeModel", "InvokeModelWithResponseStream"
    return _ROUTERS_OWN.get(operation, (operation,))


def most_calls(operation: str, attempts: int | None) -> int | None:
    """How many calls one record can stand for; None for any number: a killed reading of lists, page after page."""
    if attempts is not None:
        return attempts
    return None if operation in _ROUTERS_OWN else _MOST_CALLS
