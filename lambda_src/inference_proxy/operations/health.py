"""GET /health: whether this deployment could serve a request now. It sends nothing to Commercial."""

from inference_proxy.audit_query import AuditReader
from inference_proxy.credentials import CredentialStore
from inference_proxy.errors import ProxyError
from inference_proxy.models import Request, Response
from inference_proxy.operations.answers import json_answer
from inference_proxy.policy_store import PolicyStore


class Health:
    """Checks what the router depends on inside GovCloud."""

    def __init__(self, reader: AuditReader, credentials: CredentialStore, policies: PolicyStore, release: str) -> None:
        self._reader = reader
        self._credentials = credentials
        self._policies = policies
        self._release = release

    def health(self, request: Request) -> Response:
        """200 with every check ``ok``, or 503 with the error code of each that is not."""
        checks = {}
        for name, check in (("auditTable", self._reader.check), ("credential", self._credentials.get)):
            try:
                check(request.deadline)
                checks[name] = "ok"
            except ProxyError as error:
                checks[name] = error.code
        policy = self._policies.get(request.deadline)
        checks["policy"] = self._policies.problem or "ok"
        healthy = all(result == "ok" for result in checks.values())
        document = {
            "status": "ok" if healthy else "unavailable",
            "release": self._release,
            "policyVersion": policy.version if policy else None,
            "checks": checks,
        }
        return json_answer(document, 200 if healthy else 503)
