"""Every answer the router makes up itself is one of these; what Bedrock answers is passed through instead.

    ProxyError
    ├── RequestError                 the caller can mend it
    │   ├── InvalidJsonError         400 InvalidJson
    │   ├── MissingBodyError         400 MissingBody
    │   ├── InvalidParameterError    400 InvalidParameter
    │   ├── UnauthenticatedError     403 Unauthenticated
    │   ├── PolicyDeniedError        403 PolicyDenied
    │   ├── UnsupportedOperationError 400 UnsupportedOperation
    │   ├── RouteNotFoundError       404 RouteNotFound
    │   ├── ModelNotFoundError       404 ModelNotFound
    │   ├── RecordNotFoundError      404 RecordNotFound
    │   ├── MethodNotAllowedError    405 MethodNotAllowed
    │   ├── RequestTooLargeError     413 RequestTooLarge
    │   └── LimitExceededError       429 LimitExceeded
    ├── BoundaryError                nothing left GovCloud; an operator can mend it
    │   ├── AuditUnavailableError        503 AuditUnavailable
    │   ├── PolicyUnavailableError       503 PolicyUnavailable
    │   ├── LimitsUnavailableError       503 LimitsUnavailable
    │   ├── GuardrailUnavailableError    503 GuardrailUnavailable
    │   ├── CredentialsUnavailableError  503 CredentialsUnavailable
    │   ├── CredentialsMalformedError    503 CredentialsMalformed
    │   └── DeadlineExceededError        504 DeadlineExceeded
    ├── UpstreamError                Commercial Bedrock could not be reached or understood: upstream_errors.py
    └── InternalError                500 InternalError: a defect of the router

Messages name the field and the fix. They never hold a secret, a prompt or a completion.
"""

from collections.abc import Mapping
from typing import ClassVar


class ProxyError(Exception):
    """An answer with a stable ``code`` and an HTTP ``status``; ``headers`` go out with it."""

    code: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers = dict(headers or {})


class RequestError(ProxyError):
    """The request cannot be served as it is; sending it again unchanged will not help."""


class InvalidJsonError(RequestError):
    """The request body is not the JSON document the operation needs."""

    code = "InvalidJson"
    status = 400


class MissingBodyError(RequestError):
    """The operation needs a request body and none came."""

    code = "MissingBody"
    status = 400


class InvalidParameterError(RequestError):
    """A field, header or query parameter is missing or has a value that makes no sense."""

    code = "InvalidParameter"
    status = 400


class UnauthenticatedError(RequestError):
    """API Gateway names no caller: its authorization is off, or the call did not come through it."""

    code = "Unauthenticated"
    status = 403


class PolicyDeniedError(RequestError):
    """The boundary's policy does not let this request cross."""

    code = "PolicyDenied"
    status = 403


class UnsupportedOperationError(RequestError):
    """An operation of Bedrock's that cannot cross; the message says why."""

    code = "UnsupportedOperation"
    status = 400


class RouteNotFoundError(RequestError):
    """No operation has this path."""

    code = "RouteNotFound"
    status = 404


class ModelNotFoundError(RequestError):
    """Bedrock's lists do not hold this model."""

    code = "ModelNotFound"
    status = 404


class RecordNotFoundError(RequestError):
    """There is no audit record of this id, or the caller may not see it."""

    code = "RecordNotFound"
    status = 404


class MethodNotAllowedError(RequestError):
    """The path exists, but not with this method; ``Allow`` says which."""

    code = "MethodNotAllowed"
    status = 405


class RequestTooLargeError(RequestError):
    """The body is larger than what API Gateway and Lambda can carry."""

    code = "RequestTooLarge"
    status = 413


class LimitExceededError(RequestError):
    """The caller has sent as much as the policy lets it; ``Retry-After`` says when it may send more."""

    code = "LimitExceeded"
    status = 429


class BoundaryError(ProxyError):
    """The boundary could not do its own part, so nothing was sent."""


class AuditUnavailableError(BoundaryError):
    """The intent could not be recorded; without a record nothing leaves."""

    code = "AuditUnavailable"
    status = 503


class PolicyUnavailableError(BoundaryError):
    """No valid policy could be read since this execution environment started; until then everything is denied."""

    code = "PolicyUnavailable"
    status = 503


class LimitsUnavailableError(BoundaryError):
    """The counters of the caller's limits cannot be reached, and the policy says that nothing crosses uncounted."""

    code = "LimitsUnavailable"
    status = 503


class GuardrailUnavailableError(BoundaryError):
    """The guardrail that the policy wants before egress gave no verdict."""

    code = "GuardrailUnavailable"
    status = 503


class CredentialsUnavailableError(BoundaryError):
    """The Commercial credential could not be read; ``outage`` tells whether Secrets Manager was down or said no."""

    code = "CredentialsUnavailable"
    status = 503

    def __init__(self, message: str, headers: Mapping[str, str] | None = None, *, outage: bool = False) -> None:
        super().__init__(message, headers)
        self.outage = outage


class CredentialsMalformedError(BoundaryError):
    """The Commercial credential was read but is not one of the known formats."""

    code = "CredentialsMalformed"
    status = 503


class DeadlineExceededError(BoundaryError):
    """The time for the answer was used up before anything could be sent."""

    code = "DeadlineExceeded"
    status = 504


class InternalError(ProxyError):
    """A defect of the router; the log names the place, the answer does not."""

    code = "InternalError"
    status = 500
