"""The function in service, as an operator's scripts see it: its settings, and the task that proves a credential."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from deployment import client, function_settings

_PROOF_SECONDS = 90  # IAM may take a while until a key, a role or a permission is known everywhere
_BETWEEN_PROOFS_SECONDS = 3
_LASTING = ("CredentialsMalformed", "InvalidParameter", "PolicyDenied")  # what waiting does not mend


class DeployedRouter:
    """The function of an environment, by its alias for tasks; exits with what to do if there is none yet."""

    def __init__(self, environment: str, inputs: Mapping[str, Any]) -> None:
        self._alias = {"FunctionName": inputs["function_name"], "Qualifier": inputs["task_alias_name"]}
        self._lambda = client("lambda", inputs["region"])
        try:
            self.settings = function_settings(self._lambda, inputs["function_name"], inputs["task_alias_name"])
        except self._lambda.exceptions.ResourceNotFoundException:
            raise SystemExit(
                f"error: nothing was released to '{environment}' yet, so nothing can prove a credential: "
                f"make release ENV={environment}"
            ) from None

    def prove(self, **event: object) -> dict[str, Any]:
        """What came of a real call to Commercial, made by the function (lambda_src/README.md)."""
        payload = json.dumps({"task": "prove_credential", **event})
        answer = self._lambda.invoke(**self._alias, Payload=payload)
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise SystemExit(
                f"error: the function cannot prove a credential ({found.get('errorMessage')}); release a newer one"
            )
        return found

    def await_proof(self, say: Callable[[str], None], what_to_do: str, **event: object) -> dict[str, Any]:
        """Prove until Commercial takes the credential; exits with what to do if it does not for a minute and a half."""
        give_up_at = time.monotonic() + _PROOF_SECONDS
        while not (found := self.prove(**event))["proven"]:
            reason = f"{found['statusCode']} {found['errorCode']} {found.get('message') or ''}".strip()
            if found["errorCode"] in _LASTING or time.monotonic() > give_up_at:
                raise SystemExit(f"error: the credential is not proven: {reason}. {what_to_do}")
            say(f"not accepted yet: {reason}; trying again")
            time.sleep(_BETWEEN_PROOFS_SECONDS)
        say(f"proven by a real call: {found['authMode']} in {found['region']}, audit record {found['requestId']}")
        return found
