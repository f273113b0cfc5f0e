"""Give an environment a new Bedrock API key while the old one goes on working, then retire the old one.

Usage: rotate_credential.py ENV

Environment:
  COMMERCIAL_AWS_PROFILE  AWS profile of the Commercial account; may do what policies/rotate-api-key.json allows
  API_KEY_USER            IAM user of the keys (default: the one terraform/commercial makes for ENV)
  KEY_AGE_DAYS            days until the new key expires by itself (default: 90)
  GRACE_SECONDS           how long the old key lives on once the new one is current (default: as long as any request
                          may still use it)

An IAM user may have two keys: the second is created, stored as the secret's pending version, proven by the router
itself with a real call, and made current; then the first is deactivated, and deleted by the next rotation. After a
failure at any step run it again: it goes on from where things stand. It never reads the secret: a version's id names
its key.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployed_router import DeployedRouter
from deployment import application_inputs, client, commercial_client

_SERVICE = "bedrock.amazonaws.com"
_VERSION_PREFIX = "bedrock-api-key-"
_VERSION_LEAST_CHARACTERS = 32
_MARGIN_SECONDS = 30
_PROGRESS_SECONDS = 30


class Rotation:
    """One run, from where things stand."""

    def __init__(self, environment: str) -> None:
        inputs = application_inputs(environment)
        credential = inputs["credential"]
        if credential["mode"] != "api_key":
            raise SystemExit(
                f"error: '{environment}' uses {credential['mode']}; this rotates API keys (scripts/README.md)"
            )
        self._environment = environment
        self._secret_id = credential["secret_arn"]
        self._secrets = client("secretsmanager", inputs["region"])
        self._iam = commercial_client("iam")
        self._router = DeployedRouter(environment, inputs)
        self._grace_seconds = _whole_number("GRACE_SECONDS", self._longest_use_seconds())
        self._key_age_days = _whole_number("KEY_AGE_DAYS", 90)
        region = self._router.settings.get("COMMERCIAL_REGION", "us-east-1")
        self._user = os.environ.get("API_KEY_USER") or f"{inputs['name']}-bedrock-{region}"
        self._started = time.monotonic()

    def run(self) -> None:
        """Rotate, or finish what an earlier run began."""
        in_service = self._router.prove()
        if not in_service["proven"]:
            self._say(f"note: Commercial refuses the key in service ({in_service['errorCode']}); going on")
        current, pending = self._versions()
        keys = self._keys()
        self._say(f"{self._user} has {len(keys)} of 2 keys; current is version {current}")
        if pending and keys.get(_key_id(pending), {}).get("Status") == "Active":
            self._say(f"going on with the pending version {pending}, which an earlier run left")
        elif self._superseded(keys, current):
            self._say("an earlier run made its key current and was interrupted; finishing that")
            self._retire(current)
            return
        else:
            pending = self._create(current, in_service.get("region"))
        self._router.await_proof(
            self._say,
            "The old key is untouched and in service. Check the user's policies (terraform/commercial); run this again",
            versionId=pending,
        )
        self._promote(pending, current)
        self._retire(pending)

    def _versions(self) -> tuple[str, str | None]:
        by_label = self._versions_by_label()
        if "AWSCURRENT" not in by_label:
            raise SystemExit(f"error: the secret is empty; store a first key: make credential ENV={self._environment}")
        pending = by_label.get("AWSPENDING")
        return by_label["AWSCURRENT"], pending if pending != by_label["AWSCURRENT"] else None

    def _versions_by_label(self) -> dict[str, str]:
        labels_by_version = self._secrets.describe_secret(SecretId=self._secret_id).get("VersionIdsToStages", {})
        return {label: version for version, labels in labels_by_version.items() for label in labels}

    def _keys(self) -> dict[str, Mapping[str, Any]]:
        try:
            answer = self._iam.list_service_specific_credentials(UserName=self._user, ServiceName=_SERVICE)
        except self._iam.exceptions.NoSuchEntityException:
            raise SystemExit(
                f"error: there is no IAM user {self._user} in the Commercial account; name it in API_KEY_USER"
            ) from None
        return {key["ServiceSpecificCredentialId"]: key for key in answer["ServiceSpecificCredentials"]}

    @staticmethod
    def _superseded(keys: Mapping[str, Mapping[str, Any]], current: str) -> bool:
        """Whether the current version's key has an older one beside it that still works."""
        key = keys.get(_key_id(current))
        return key is not None and any(
            other["Status"] == "Active" and other["CreateDate"] < key["CreateDate"] for other in keys.values()
        )

    def _make_room(self, current: str) -> None:
        """Delete keys that nobody can use: retired ones, and one whose value was lost before it was stored."""
        stored_at = self._stored_at(current)
        for key_id, key in self._keys().items():
            if key_id == _key_id(current):
                continue
            if key["Status"] != "Active":
                reason = "retired by the last rotation"
            elif key["CreateDate"] > stored_at:
                reason = "made after the current version, and no version holds it: an earlier run was interrupted"
            else:
                continue
            self._say(f"deleting key {key_id}, {reason}")
            self._delete(key_id)

    def _delete(self, key_id: str) -> None:
        with suppress(self._iam.exceptions.NoSuchEntityException):  # asked again, as in _relabel
            self._iam.delete_service_specific_credential(UserName=self._user, ServiceSpecificCredentialId=key_id)

    def _stored_at(self, version_id: str) -> datetime:
        answer = self._secrets.list_secret_version_ids(SecretId=self._secret_id)  # those with a label, so a few
        return next(version["CreatedDate"] for version in answer["Versions"] if version["VersionId"] == version_id)

    def _create(self, current: str, region: str | None) -> str:
        key = self._new_key(current)
        key_id, expires_at = key["ServiceSpecificCredentialId"], key["ExpirationDate"]
        value = {"bedrock_api_key": key["ServiceCredentialSecret"], "expires_at": expires_at.isoformat()}
        version = (_VERSION_PREFIX + key_id).ljust(_VERSION_LEAST_CHARACTERS, "-")
        try:
            self._secrets.put_secret_value(
                SecretId=self._secret_id,
                ClientRequestToken=version,
                SecretString=json.dumps(value | ({"region": region} if region else {})),
                VersionStages=["AWSPENDING"],
            )
        except BaseException:
            # Its value is lost with this process.
            self._delete(key_id)
            raise
        self._say(f"created key {key_id}, valid until {expires_at:%Y-%m-%d}, stored as the pending version")
        return version

    def _new_key(self, current: str) -> Mapping[str, Any]:
        for _ in range(2):  # where the answer was lost, and the key's value with it, that key makes room for another
            self._make_room(current)
            with suppress(self._iam.exceptions.LimitExceededException):
                answer = self._iam.create_service_specific_credential(
                    UserName=self._user, ServiceName=_SERVICE, CredentialAgeDays=self._key_age_days
                )
                return dict(answer["ServiceSpecificCredential"])
        raise SystemExit(
            f"error: {self._user} has two keys, and which of them is in use cannot be told, because the current "
            "version was stored by hand. Delete the one that is not: aws iam delete-service-specific-credential"
        )

    def _promote(self, version: str, current: str) -> None:
        self._relabel("AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=current)
        self._relabel("AWSPENDING", RemoveFromVersionId=version)
        self._say(f"version {version} is current")

    def _relabel(self, label: str, **change: str) -> None:
        """Move a label, or take it off. An SDK asks again where an answer was lost: what is done is no error."""
        try:
            self._secrets.update_secret_version_stage(SecretId=self._secret_id, VersionStage=label, **change)
        except self._secrets.exceptions.InvalidParameterException:
            if self._versions_by_label().get(label) != change.get("MoveToVersionId"):
                raise

    def _retire(self, current: str) -> None:
        """Deactivate every other key once no request can still use it."""
        self._say(f"the old key stays for {self._grace_seconds} s: until then a request may still use it")
        ends_at = time.monotonic() + self._grace_seconds
        while (left := ends_at - time.monotonic()) > 0:
            time.sleep(min(left, _PROGRESS_SECONDS))
            if left > _PROGRESS_SECONDS:
                self._say(f"{left - _PROGRESS_SECONDS:.0f} s left")
        for key_id, key in self._keys().items():
            if key_id != _key_id(current) and key["Status"] == "Active":
                self._iam.update_service_specific_credential(
                    UserName=self._user, ServiceSpecificCredentialId=key_id, Status="Inactive"
                )
                self._say(f"deactivated key {key_id}; the next rotation deletes it")
        print("rotated")

    def _longest_use_seconds(self) -> int:
        """How long a request may still use a key that is no longer the current one."""
        names = ("CREDENTIAL_MAX_AGE_SECONDS", "RESPONSE_TIMEOUT_SECONDS")
        return sum(int(self._router.settings[name]) for name in names) + _MARGIN_SECONDS

    def _say(self, text: str) -> None:
        print(f"{time.monotonic() - self._started:4.0f} s  {text}", flush=True)


def _whole_number(variable: str, default: int) -> int:
    value = os.environ.get(variable) or str(default)
    if not value.isdecimal():
        raise SystemExit(f"error: {variable} must be a whole number")
    return int(value)


def _key_id(version: str) -> str:
    """The key that a version holds, by the version's id; "" if it was stored by hand."""
    return version.removeprefix(_VERSION_PREFIX).rstrip("-") if version.startswith(_VERSION_PREFIX) else ""


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        Rotation(sys.argv[1]).run()
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"error: {error}\nNothing is lost: run it again, it goes on from where things stand.")
