"""The AWS credentials that the signing proxy signs with."""

import os
import threading
from pathlib import Path

import boto3
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError

from signing_proxy.errors import RelayError

_AWS_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}


class CallerCredentials:
    """The AWS credentials of the shell: AWS_PROFILE and the default chain. boto3 renews those that end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._modified: list[int] = []

    def keys(self) -> ReadOnlyCredentials:
        """The keys as of now; raises a RelayError that says what to do if there are none."""
        with self._lock:
            try:
                credentials = self._current_session().get_credentials()
                frozen = credentials and credentials.get_frozen_credentials()
            # What providers raise: theirs, a missing or failing credential_process, a refresh that brought nothing new.
            except (BotoCoreError, ClientError, OSError, ValueError, RuntimeError) as error:
                raise _no_credentials(f"The AWS credentials cannot be had: {error}") from error
        if not frozen:
            raise _no_credentials("There are no AWS credentials")
        return frozen

    def _current_session(self) -> boto3.Session:
        # A tool may write new keys into the files, which a session reads only once.
        paths = (Path(os.environ.get(name, usual)).expanduser() for name, usual in _AWS_FILES.items())
        modified = [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]
        if self._session is None or modified != self._modified:
            self._session, self._modified = boto3.Session(), modified
        return self._session


def _no_credentials(reason: str) -> RelayError:
    advice = "Log in again (aws sso login), or restart with an AWS_PROFILE that has some"
    return RelayError(401, "NoCredentials", f"{reason.rstrip('.')}. {advice}.")
