"""Temporary Commercial credentials without a stored secret: cross-partition identity federation.

The execution role gets a short-lived token from GovCloud STS and exchanges it at Commercial STS. Follows "Federating
AWS identities across AWS partitions" and its subpages in the IAM User Guide. Neither the token nor what it is exchanged
for is ever shown; the token's id is what CloudTrail of both partitions calls ``webIdentityTokenId``.
"""

import base64
import json
import time
from contextlib import suppress
from datetime import datetime

from inference_proxy.aws_query import StsClient
from inference_proxy.aws_service import AwsServiceError
from inference_proxy.clock import Clock
from inference_proxy.credentials import RETRY_AFTER_SECONDS, Credential
from inference_proxy.errors import CredentialsUnavailableError
from inference_proxy.models import Deadline
from inference_proxy.settings import AwsKeys
from inference_proxy.signing import SigV4Signer

_CALL_SECONDS = 2.5  # a hanging STS, on either side, costs this much, not the invocation
# What the execution role's policy allows at most (terraform/modules/iam); the token is exchanged at once.
_TOKEN_SECONDS = 60
_SIGNING_ALGORITHM = "ES384"
_SESSION_SECONDS = 3600  # the Commercial role's longest session
_RENEWED_AFTER = 3 / 4  # of a session: an outage of STS shorter than the rest goes unnoticed
_USED_UNTIL = 59 / 60  # of a session: clocks and the way may take up its last minute
# A refusal may be meant: an exchange at each of them would double the calls of a caller who keeps trying.
_LEAST_AGE_SECONDS = 60


class FederationSource:
    """Exchanges the execution role's identity for a session of the Commercial role."""

    def __init__(
        self,
        source: StsClient,
        destination: StsClient,
        role_arn: str,
        audience: str,
        session_name: str,
        region: str,
        clock: Clock,
    ) -> None:
        self._source = source  # GovCloud, signed by the execution role
        self._destination = destination  # Commercial, unsigned: the token is the proof
        self._role_arn = role_arn
        self._audience = audience
        self._session_name = session_name
        self._region = region
        self._clock = clock

    def read(self, deadline: Deadline) -> Credential:
        """A new session of the Commercial role."""
        read_at = time.time()
        token = self._token(deadline.within(_CALL_SECONDS))
        arguments = {
            "RoleArn": self._role_arn,
            "RoleSessionName": self._session_name,
            "WebIdentityToken": token,
            "DurationSeconds": _SESSION_SECONDS,
        }
        try:
            answer = self._destination.call("AssumeRoleWithWebIdentity", arguments, deadline.within(_CALL_SECONDS))
            keys = AwsKeys(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
            # A time of AWS's clock, in epoch seconds of the local one.
            ends_at = datetime.fromisoformat(answer["Expiration"]).timestamp() - self._clock.skew_seconds
        except AwsServiceError as error:
            raise self._unavailable(
                f"Commercial STS does not exchange the token ({error.code}); compare issuer, audience and subject of "
                "the role's trust in terraform/commercial",
                outage=error.outage,
            ) from None
        except (KeyError, ValueError):
            raise self._unavailable("Commercial STS answered without credentials", outage=True) from None
        return Credential(
            SigV4Signer(keys, self._region, "bedrock", self._clock),
            "federation",
            self._region,
            _token_id(token),
            read_at=read_at,
            renew_at=read_at + (ends_at - read_at) * _RENEWED_AFTER,
            usable_until=read_at + (ends_at - read_at) * _USED_UNTIL,
        )

    def read_other(self, refused: Credential, deadline: Deadline) -> Credential | None:
        """A new session, unless the refused one is new itself: older ones may have been revoked."""
        return self.read(deadline) if time.time() - refused.read_at >= _LEAST_AGE_SECONDS else None

    def _token(self, deadline: Deadline) -> str:
        arguments = {
            "Audience.member.1": self._audience,
            "SigningAlgorithm": _SIGNING_ALGORITHM,
            "DurationSeconds": _TOKEN_SECONDS,
        }
        try:
            return str(self._source.call("GetWebIdentityToken", arguments, deadline)["WebIdentityToken"])
        except AwsServiceError as error:
            raise self._unavailable(
                f"GovCloud STS gives no identity token ({error.code}); outbound federation must be enabled in the "
                "account and allowed to the execution role, by the variable `credential` of the infrastructure",
                outage=error.outage,
            ) from None
        except KeyError:
            raise self._unavailable("GovCloud STS answered without a token", outage=True) from None

    @staticmethod
    def _unavailable(message: str, *, outage: bool) -> CredentialsUnavailableError:
        return CredentialsUnavailableError(message, {"Retry-After": str(RETRY_AFTER_SECONDS)}, outage=outage)


def _token_id(token: str) -> str:
    """The claim ``jti``; the signature is for Commercial to check."""
    with suppress(ValueError, IndexError, KeyError, TypeError):
        payload = token.split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"])
    return "unknown"
