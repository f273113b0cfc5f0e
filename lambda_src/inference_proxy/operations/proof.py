"""Proves a Commercial credential by a real call, before or after it is put in service. It sends no caller's data."""

from collections.abc import Callable, Mapping

from inference_proxy.boundary import Boundary, sha256_hex
from inference_proxy.credential_choice import CredentialChoice
from inference_proxy.credentials import Credential, CredentialSource
from inference_proxy.errors import InvalidParameterError, ProxyError
from inference_proxy.models import Caller, Crossing, Deadline, Request, UpstreamCall
from inference_proxy.policy_store import PolicyStore
from inference_proxy.secret import SecretSource
from inference_proxy.telemetry import Telemetry

# The smallest answer there is; its permission is one the router needs anyway.
_CALL = UpstreamCall("bedrock", "GET", "/inference-profiles?maxResults=1", {"Accept": "application/json"})


class Proof:
    """The task that a rotation or a switch asks for: it sees the path, the network and the permissions of a request."""

    def __init__(
        self,
        boundary: Boundary,
        source: Callable[[CredentialChoice], CredentialSource],
        in_service: CredentialChoice,
        policies: PolicyStore,
        telemetry: Telemetry,
    ) -> None:
        self._boundary = boundary
        self._policies = policies
        self._source = source
        self._in_service = in_service
        self._telemetry = telemetry

    def run(self, event: Mapping[str, object], invocation_id: str, deadline: Deadline) -> dict[str, object]:
        """Call Commercial Bedrock with a credential that is read anew, and with no other.

        ``credential`` in the event may name another than the one in service (``mode`` and ``secretId``, or ``roleArn``
        and ``audience``), ``versionId`` a version of the secret. Answers ``{"proven", "statusCode", "errorCode",
        "message", "authMode", "credentialVersion", "region", "requestId"}`` and does not raise for a credential that
        does not work, or is for a region that the policy bars. The call is a crossing with a record, operation
        ProveCredential.
        """
        caller = Caller("operator task", "unknown", "unknown", "unknown")
        request = Request(invocation_id, invocation_id, "TASK", "prove_credential", caller, deadline)
        crossing = Crossing(request, "ProveCredential", self._policies.proving(deadline), sha256_hex(b""), 0)
        found: dict[str, object] = {"proven": False, "requestId": crossing.audit_id}
        try:
            credential = self._read(event, deadline)
            found |= {"authMode": credential.auth_mode, "credentialVersion": credential.version}
            found |= {"region": credential.region}
            with self._boundary.passage(crossing) as passage:
                answer = passage.send_with(credential, _CALL)
        except ProxyError as error:
            found |= {"statusCode": error.status, "errorCode": error.code, "message": error.message}
        else:
            found |= {"proven": answer.ok, "statusCode": answer.status, "errorCode": answer.error_type}
        self._telemetry.proof(found)
        return found

    def _read(self, event: Mapping[str, object], deadline: Deadline) -> Credential:
        source = self._source(_choice(event.get("credential"), self._in_service))
        version_id = event.get("versionId")
        if version_id is None:
            return source.read(deadline)
        if not isinstance(version_id, str) or not isinstance(source, SecretSource):
            raise InvalidParameterError("`versionId` must be the id of a version of the secret; federation has none")
        return source.read_version(version_id, deadline)


def _choice(credential: object, in_service: CredentialChoice) -> CredentialChoice:
    if credential is None:
        return in_service
    fields = {"mode": "mode", "secret_id": "secretId", "role_arn": "roleArn", "audience": "audience"}
    if not isinstance(credential, dict) or not all(isinstance(value, str) for value in credential.values()):
        raise InvalidParameterError(f"`credential` must be an object of texts: {', '.join(fields.values())}")
    choice = CredentialChoice(**{field: credential.get(name, "") for field, name in fields.items()})
    for field, problem in choice.problems().items():
        raise InvalidParameterError(f"`credential.{fields[field]}` {problem}")
    return choice
