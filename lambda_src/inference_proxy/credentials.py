"""The Commercial credential of one execution environment: cached, renewed in time, never shown.

Where it comes from is its source's matter: a secret (secret.py) or an exchange of tokens (federation.py).
"""

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from inference_proxy.errors import CredentialsMalformedError, CredentialsUnavailableError, DeadlineExceededError
from inference_proxy.models import Deadline
from inference_proxy.signing import Signer

RETRY_AFTER_SECONDS = 5  # how soon a read that failed for an outage is tried again
_LOOK_AGAIN_SECONDS = 1  # how soon refusals make the router look for another credential again


@dataclass(frozen=True, slots=True)
class Credential:
    """What signs a call to Commercial Bedrock. Times are epoch seconds of the local clock."""

    signer: Signer
    auth_mode: str  # "api_key", "aws_keys" or "federation"
    region: str
    version: str  # the secret's version id, or the id of the token it was exchanged for: safe to record
    read_at: float
    renew_at: float
    usable_until: float = float("inf")
    expires_at: datetime | None = None  # of a stored one, for the alarm that asks for a new one; None: nobody has said


class CredentialSource(Protocol):
    """Where credentials come from. Both raise CredentialsUnavailableError or CredentialsMalformedError."""

    def read(self, deadline: Deadline) -> Credential:
        """The current credential."""
        ...

    def read_other(self, refused: Credential, deadline: Deadline) -> Credential | None:
        """Another one than Commercial just refused, or None."""
        ...


class CredentialStore:
    """Keeps the current credential; safe for use by several threads."""

    def __init__(self, source: CredentialSource) -> None:
        self._source = source
        self._cached: Credential | None = None
        self._looked_at = float("-inf")
        self._outage_at = float("-inf")
        self._renewing = threading.Lock()
        self.stale = False  # whether the last ``get`` had to fall back on an overdue credential

    def get(self, deadline: Deadline) -> Credential:
        """The credential, renewed when it is due; one renewal at a time, during which the present one serves.

        In an outage of where it comes from an overdue credential still serves, as long as it can. Raises
        CredentialsUnavailableError when there is none, or when the source says no: deleting the secret, or denying it
        or the token to the role, is how an operator stops the crossing. Raises CredentialsMalformedError when the
        secret is not usable.
        """
        now = time.time()  # not the monotonic clock, which may stand still while Lambda is frozen
        cached = self._usable(now)
        if cached and now < cached.renew_at:
            self.stale = False
            return cached
        if cached and now - self._outage_at < RETRY_AFTER_SECONDS:
            self.stale = True
            return cached
        if not self._renewing.acquire(timeout=0 if cached else max(0.0, deadline.remaining_seconds())):
            if cached:
                return cached
            raise DeadlineExceededError("no time was left to get the Commercial credential; nothing was sent")
        try:
            renewed = self._usable(now)
            if renewed and renewed is not cached and now < renewed.renew_at:
                return renewed
            self.stale = False
            return self._renew(cached, deadline)
        finally:
            self._renewing.release()

    def other(self, refused: Credential, deadline: Deadline) -> Credential | None:
        """Another credential than the one Commercial just refused, or None; looks for one at most once a second.

        It is not kept until ``keep`` is called: whether Commercial takes it is not known yet.
        """
        if self._cached and self._cached.version != refused.version:
            return self._cached
        if time.time() - self._looked_at < _LOOK_AGAIN_SECONDS:
            return None
        self._looked_at = time.time()
        try:
            return self._source.read_other(refused, deadline)
        except CredentialsUnavailableError as error:
            if not error.outage:
                self._cached = None
        except CredentialsMalformedError:
            self._cached = None
        return None

    def keep(self, accepted: Credential) -> None:
        """Make a credential that Commercial accepted the current one."""
        self._cached = accepted

    def _usable(self, now: float) -> Credential | None:
        cached = self._cached
        return cached if cached and now < cached.usable_until else None

    def _renew(self, previous: Credential | None, deadline: Deadline) -> Credential:
        try:
            self._cached = self._source.read(deadline)
        except CredentialsUnavailableError as error:
            if error.outage:
                self._outage_at = time.time()
                if previous:
                    self.stale = True
                    return previous
            self._cached = None  # what cannot be read again is not used again
            raise
        except CredentialsMalformedError:
            self._cached = None
            raise
        return self._cached
