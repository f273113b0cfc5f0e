"""What IAM says to the Commercial stand-in: whose a credential is, and whether it may do what a request needs.

The twin's Commercial account (commercial_account.py) is asked. The wording of a refusal is from public bug reports.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.commercial_wire import FRONT_DOOR, BedrockError

TIMEOUT_SECONDS = 10
CALL_WITH_BEARER_TOKEN = {"action": "bedrock:CallWithBearerToken", "resource": "*"}


@dataclass(frozen=True)
class Needs:
    """What IAM must allow, in this order, and the condition keys it may look at."""

    permissions: tuple[dict[str, str], ...] = ()
    conditions: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Identity:
    """What the account says of a credential; `status` is Unknown for one it does not know."""

    status: str
    principal_arn: str = ""
    credential_id: str = ""
    secret_access_key: str = ""
    session_token: str | None = None
    expires_at: datetime | None = None
    denied: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class CommercialAccount:
    """The twin's Commercial account. Nothing is remembered of a credential: the next request asks again."""

    url: str
    token: str

    @cached_property
    def account_id(self) -> str:
        return str(self._ask({})["account_id"])

    def identify(self, credential: Mapping[str, str], needs: Needs, region: str) -> Identity:
        bearer = [CALL_WITH_BEARER_TOKEN] if "api_key" in credential else []
        answer = self._ask(
            {
                **credential,
                "permissions": [*bearer, *needs.permissions],
                "conditions": needs.conditions or {},
                "region": region,
            }
        )
        expires_at = answer.get("expires_at")
        return Identity(
            status=answer["status"] if answer["known"] else "Unknown",
            principal_arn=answer.get("principal_arn", ""),
            credential_id=answer.get("credential_id", ""),
            secret_access_key=answer.get("secret_access_key", ""),
            session_token=answer.get("session_token"),
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            denied=answer.get("denied"),
        )

    def _ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=TIMEOUT_SECONDS)
        try:
            headers = {"X-Twin-Token": self.token, "Content-Type": "application/json"}
            connection.request("POST", "/_twin/identify", json.dumps(question), headers)
            response = connection.getresponse()
            if response.status != 200:
                raise _unanswered(f"{response.status} {response.read().decode(errors='replace')}")
            answer: dict[str, Any] = json.load(response)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise _unanswered(str(error)) from error
        finally:
            connection.close()
        return answer


def _unanswered(reason: str) -> BedrockError:
    sentence = f"The Commercial account of the offline twin did not say who this is: {reason}"
    return BedrockError(503, "ServiceUnavailableException", sentence)


def refuse_denied(identity: Identity) -> None:
    """Raise what Bedrock answers when IAM denies something."""
    if identity.denied is None:
        return
    action, resource = identity.denied["action"], identity.denied["resource"]
    reason = (
        "with an explicit deny in an identity-based policy"
        if identity.denied["explicit"]
        else f"because no identity-based policy allows the {action} action"
    )
    sentence = f"User: {identity.principal_arn} is not authorized to perform: {action} on resource: {resource} {reason}"
    raise BedrockError(403, "AccessDeniedException", sentence, namespace=FRONT_DOOR, message_key="Message")
