"""Keeps the policy: reads it from its table every few seconds, and never lets a bad one in.

A change takes effect within ``_MAX_AGE_SECONDS`` and the time of one read. What cannot be read or is not valid leaves
the last good policy in force; without one, everything is denied. DynamoDB holds it because the way there exists in
every network that the router runs in.
"""

import threading
import time
import zlib
from base64 import b64decode
from typing import Any

from inference_proxy import policy_parser
from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.decisions import Decision
from inference_proxy.document_reader import DocumentError
from inference_proxy.models import Deadline, Request
from inference_proxy.policy import Admission, Asked, Policy
from inference_proxy.telemetry import Telemetry

_MAX_AGE_SECONDS = 20.0
_RETRY_SECONDS = 5.0  # after a read that failed, and while there is no policy at all
_READ_SECONDS = 2.0
_MOST_BYTES = 16_000_000  # of a policy that comes compressed
_KEY = {"name": {"S": "boundary"}}
_MOST_PROBLEMS = 20  # in the log


class PolicyStore:
    """The policy in force in one execution environment."""

    def __init__(self, dynamodb: AwsJsonClient, table: str, telemetry: Telemetry) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._telemetry = telemetry
        self._policy: Policy | None = None
        self._text: str | None = None  # of the policy in force
        self.problem: str | None = None  # why the last read brought no good policy
        # By the wall clock: the monotonic one may stand still while Lambda is frozen.
        self._due_at = float("-inf")
        self._reading = threading.Lock()

    @property
    def current(self) -> Policy | None:
        """The policy in force, None if there has not been a good one."""
        return self._policy

    def get(self, deadline: Deadline) -> Policy | None:
        """The policy in force now, read again if it is time to; never raises."""
        if time.time() >= self._due_at:
            with self._reading:
                if time.time() >= self._due_at:  # nobody else has read it meanwhile
                    self.refresh(deadline)
        return self._policy

    def refresh(self, deadline: Deadline) -> None:
        """Read the policy now. A problem is counted at each read, so that an alarm lasts as long as the problem."""
        problems: tuple[str, ...] = ()
        try:
            text = self._read(deadline.within(_READ_SECONDS))
            if text != self._text:
                self._policy = Policy(policy_parser.parse(text))
                self._text = text
        except DocumentError as error:
            self.problem, problems = "PolicyInvalid", error.problems[:_MOST_PROBLEMS]
        except AwsServiceError as error:
            self.problem = error.code
        except Exception as error:  # noqa: BLE001 - a defect must not take the last good policy out of force
            self.problem = "InternalError"
            self._telemetry.defect("policy", error)
        else:
            self.problem = None
        if self.problem:
            self._telemetry.count("PolicyFailures")
            self._telemetry.policy(self.problem, problems, self._policy.version if self._policy else None)
        self._due_at = time.time() + (_RETRY_SECONDS if self.problem else _MAX_AGE_SECONDS)

    def admit(self, request: Request, asked: Asked) -> Admission:
        """What the policy in force says of a request."""
        policy = self.get(request.deadline)
        return policy.admit(request, asked) if policy else Admission(None, asked, UNUSABLE)

    def listing(self) -> Decision:
        """The decision on reading Bedrock's lists for a request that is allowed: they carry nothing of the caller's."""
        return self._own("discovery.allow", "Bedrock's lists carry no caller data")

    def configuring(self) -> Decision:
        """The decision on creating what the configuration asks for: it carries nothing of the caller's."""
        return self._own("configuration.allow", "the configuration asks for it")

    def proving(self, deadline: Deadline) -> Decision:
        """The decision on having a credential proven for an operator: it carries nothing of a caller's."""
        self.get(deadline)
        return self._own("operator-task", "an operator has the credential proven; no caller's data is sent")

    def _own(self, rule: str, reason: str) -> Decision:
        policy = self._policy
        if policy is None:
            return UNUSABLE
        return Decision(True, rule, reason, policy.version, policy.document.regions)

    def _read(self, deadline: Deadline) -> str:
        """The document's text. Raises AwsServiceError, and DocumentError where the table holds none."""
        arguments = {"TableName": self._table, "Key": _KEY, "ConsistentRead": True}
        item = self._dynamodb.call("GetItem", arguments, deadline).get("Item")
        if not isinstance(item, dict):
            raise DocumentError(["policy: the table holds none; apply terraform/application"])
        try:
            return _text(item.get("document"))
        except (KeyError, TypeError, ValueError, zlib.error):
            raise DocumentError(["policy: its item has no readable attribute `document`"]) from None


# What holds where no good policy has been read.
UNUSABLE = Decision(
    allowed=False,
    rule="policy.unusable",
    reason="no valid policy has been read, so everything is denied; its owner finds the reason in the router's log",
)


def _text(attribute: Any) -> str:
    """The text in an attribute of type S; in one of type B it is compressed with gzip."""
    if "S" in attribute:
        return str(attribute["S"])
    unpacking = zlib.decompressobj(wbits=31)
    text = unpacking.decompress(b64decode(attribute["B"], validate=True), _MOST_BYTES)
    if not unpacking.eof:
        raise ValueError("cut off, or too large")
    return text.decode()
