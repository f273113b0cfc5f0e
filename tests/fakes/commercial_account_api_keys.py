"""API keys for Amazon Bedrock in the twin's Commercial account: IAM's service-specific credentials.

ministack 1.5.33 lacks the five actions on them. They are here for the service bedrock.amazonaws.com; IAM evaluates the
caller's permission with `iam:ServiceSpecificCredentialServiceName` and `iam:ServiceSpecificCredentialAgeDays`. A user
who has such a credential cannot be deleted.

A secret is shown once and kept as a hash. Its form is that of a real one: ABSK and the Base64 of "alias:secret".

Follows the IAM API reference and, for ids and the form of keys, public examples. Imported for its effect by
commercial_account.py.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id
from ministack.services import iam
from policy_context import REQUEST_KEYS, Parameters

Answer = tuple[int, dict[str, str], bytes]

SERVICE = "bedrock.amazonaws.com"
MOST_PER_USER = 2
LONGEST_DAYS = 36600
DAY_SECONDS = 86400

delete_user = iam._IAM_HANDLERS["DeleteUser"]


@dataclass
class ApiKey:
    """One service-specific credential."""

    user_name: str
    alias: str
    expires_at: float | None
    secret_sha256: str = ""
    active: bool = True
    key_id: str = field(default_factory=lambda: iam._gen_id("ACCA"))
    created_at: float = field(default_factory=time.time)

    @property
    def status(self) -> str:
        if self.expires_at is not None and self.expires_at <= time.time():
            return "Expired"
        return "Active" if self.active else "Inactive"

    def new_secret(self) -> str:
        """A secret in place of the one before, which is worth nothing from now on."""
        secret = "ABSK" + base64.b64encode(f"{self.alias}:{secrets.token_urlsafe(48)}".encode()).decode()
        self.secret_sha256 = hashed(secret)
        return secret

    def xml(self, secret: str = "") -> str:
        """As a ServiceSpecificCredential with its secret, or as its metadata."""
        members = {
            "CreateDate": iso(self.created_at),
            "ExpirationDate": iso(self.expires_at) if self.expires_at is not None else "",
            "ServiceName": SERVICE,
            "ServiceCredentialAlias": self.alias,
            "ServiceCredentialSecret": secret,
            "ServiceSpecificCredentialId": self.key_id,
            "UserName": self.user_name,
            "Status": self.status,
        }
        return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in members.items() if value)


api_keys: dict[str, ApiKey] = {}


def find_by_secret(secret: str) -> ApiKey | None:
    """The API key that a caller presented."""
    digest = hashed(secret)
    return next((key for key in api_keys.values() if secrets.compare_digest(key.secret_sha256, digest)), None)


def create(params: Parameters) -> Answer:
    user_name, days = iam._p(params, "UserName"), iam._p(params, "CredentialAgeDays")
    if refusal := refused(params):
        return refusal
    if days and not (days.isdecimal() and 1 <= int(days) <= LONGEST_DAYS):
        sentence = f"Value '{escape(days)}' at 'credentialAgeDays' failed to satisfy constraint: Member must have value"
        return iam._error(400, "ValidationError", f"1 validation error detected: {sentence} between 1 and 36600")
    present = list(keys_of(user_name))
    if len(present) >= MOST_PER_USER:
        sentence = f"Cannot exceed quota for ServiceSpecificCredentialsPerUser: {MOST_PER_USER}"
        return iam._error(409, "LimitExceeded", sentence)
    aliases = (f"{user_name}{suffix}-at-{get_account_id()}" for suffix in ("", "+1"))
    alias = next(name for name in aliases if name not in [key.alias for key in present])
    key = ApiKey(user_name, alias, time.time() + int(days) * DAY_SECONDS if days else None)
    api_keys[key.key_id] = key
    return answer("Create", key.xml(key.new_secret()))


def list_all(params: Parameters) -> Answer:
    user_name = iam._p(params, "UserName")
    everybody = iam._p(params, "AllUsers") == "true"
    if refusal := refused(params, everybody=everybody):
        return refusal
    found = api_keys.values() if everybody else keys_of(user_name)
    members = "".join(f"<member>{key.xml()}</member>" for key in found)
    content = f"<ServiceSpecificCredentials>{members}</ServiceSpecificCredentials><IsTruncated>false</IsTruncated>"
    result = f"<ListServiceSpecificCredentialsResult>{content}</ListServiceSpecificCredentialsResult>"
    return iam._xml(200, "ListServiceSpecificCredentialsResponse", result)


def update(params: Parameters) -> Answer:
    key, status = key_of(params), iam._p(params, "Status")
    if key is None:
        return no_such_key(params)
    if status not in ("Active", "Inactive"):
        sentence = f"Value '{escape(status)}' at 'status' failed to satisfy constraint: [Active, Inactive]"
        return iam._error(400, "ValidationError", f"1 validation error detected: {sentence}")
    key.active = status == "Active"
    return iam._xml(200, "UpdateServiceSpecificCredentialResponse", "")


def delete(params: Parameters) -> Answer:
    key = key_of(params)
    if key is None:
        return no_such_key(params)
    del api_keys[key.key_id]
    return iam._xml(200, "DeleteServiceSpecificCredentialResponse", "")


def reset(params: Parameters) -> Answer:
    key = key_of(params)
    return answer("Reset", key.xml(key.new_secret())) if key else no_such_key(params)


def delete_user_without_keys(params: Parameters) -> Answer:
    """DeleteUser, refused while the user has API keys."""
    if any(keys_of(iam._p(params, "UserName"))):
        sentence = "Cannot delete entity, must delete service specific credentials first."
        return iam._error(409, "DeleteConflict", sentence)
    return delete_user(params)


def refused(params: Parameters, *, everybody: bool = False) -> Answer | None:
    """The error for a service or a user that is not there."""
    user_name, service = iam._p(params, "UserName"), iam._p(params, "ServiceName", SERVICE)
    if service != SERVICE:
        return iam._error(404, "NotSupportedService", f"No such service {escape(service)} is supported")
    if not everybody and user_name not in iam._users:
        return iam._error(404, "NoSuchEntity", f"The user with name {escape(user_name)} cannot be found.")
    return None


def keys_of(user_name: str) -> Iterator[ApiKey]:
    return (key for key in api_keys.values() if key.user_name == user_name)


def key_of(params: Parameters) -> ApiKey | None:
    """The key that a request names; its user may be left out."""
    key = api_keys.get(iam._p(params, "ServiceSpecificCredentialId"))
    return key if key and iam._p(params, "UserName") in ("", key.user_name) else None


def no_such_key(params: Parameters) -> Answer:
    key_id = escape(iam._p(params, "ServiceSpecificCredentialId"))
    return iam._error(404, "NoSuchEntity", f"No such credential {key_id} exists")


def answer(verb: str, members: str) -> Answer:
    action = f"{verb}ServiceSpecificCredential"
    credential = f"<ServiceSpecificCredential>{members}</ServiceSpecificCredential>"
    return iam._xml(200, f"{action}Response", f"<{action}Result>{credential}</{action}Result>")


def key_conditions(params: Parameters) -> dict[str, str]:
    """The condition keys of a new API key; one that never expires has no age."""
    days = iam._p(params, "CredentialAgeDays")
    keys = {"iam:ServiceSpecificCredentialServiceName": iam._p(params, "ServiceName")}
    return {**keys, "iam:ServiceSpecificCredentialAgeDays": days} if days else keys


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def iso(epoch: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


iam._IAM_HANDLERS |= {
    "CreateServiceSpecificCredential": create,
    "ListServiceSpecificCredentials": list_all,
    "UpdateServiceSpecificCredential": update,
    "DeleteServiceSpecificCredential": delete,
    "ResetServiceSpecificCredential": reset,
    "DeleteUser": delete_user_without_keys,
}
REQUEST_KEYS["iam:CreateServiceSpecificCredential"] = key_conditions
