"""Both accounts of the twin as processes on free ports, for contract tests; `scripts/twin.py` starts its own."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from tests.fakes.commercial_iam import CommercialAccount

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = REPOSITORY / ".local/twin-venv/bin/python"
START_SECONDS = 30
GOVCLOUD_ID, COMMERCIAL_ID = "123456789012", "210987654321"
Keys = tuple[str, ...]  # access key id, secret access key and, for a session, its token


@dataclass
class Account:
    """One of them; clients act as the account's root unless they are given keys."""

    name: str
    account_id: str
    region: str
    port: int
    root: Keys = field(default_factory=lambda: (f"root-{secrets.token_hex(4)}", secrets.token_hex(20)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str, keys: Keys | None = None) -> Any:
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        credentials = dict(zip(names, keys or self.root, strict=False))
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client(service, self.region, endpoint_url=self.url, config=config, **credentials)

    def unsigned_sts(self) -> Any:
        config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
        return boto3.client("sts", self.region, endpoint_url=self.url, config=config)

    def start(self, folder: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        variables = {
            "AUTH": "true",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_REGION": self.region,
            "MINISTACK_ACCOUNT_ID": self.account_id,
            "AWS_ACCESS_KEY_ID": self.root[0],
            "AWS_SECRET_ACCESS_KEY": self.root[1],
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        script = str(REPOSITORY / "tests/fakes" / f"{self.name}.py")
        with (folder / f"{self.name}.log").open("wb") as log:
            return subprocess.Popen(
                [PYTHON, script], env={**variables, **environ}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def is_ready(self, folder: Path) -> bool:
        # The emulator notes its pid once it has found the port free: an answer alone may be somebody else's.
        if not (folder / f"ministack-{self.port}.pid").exists():
            return False
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2):
                return True
        except OSError:
            return False


class Accounts:
    """`with Accounts(folder, keys_url) as accounts: accounts.govcloud.client("iam")`; without keys_url, GovCloud's."""

    def __init__(self, folder: Path, keys_url: str | None = None) -> None:
        self.govcloud = Account("govcloud", GOVCLOUD_ID, "us-gov-west-1", free_port())
        self.commercial = Account("commercial_account", COMMERCIAL_ID, "us-east-1", free_port())
        self.identify_token = secrets.token_hex(16)
        self._folder = folder
        self._keys_url = keys_url or f"{self.govcloud.url}/_aws/oidc"
        self._stack = ExitStack()

    @property
    def identities(self) -> CommercialAccount:
        """The Commercial account, as its Bedrock asks it."""
        return CommercialAccount(self.commercial.url, self.identify_token)

    def __enter__(self) -> Self:
        internal = {"OIDC_KEYS_URL": self._keys_url, "TWIN_IDENTIFY_TOKEN": self.identify_token}
        with ExitStack() as starting:
            for account, environ in ((self.govcloud, {}), (self.commercial, internal)):
                process = starting.enter_context(account.start(self._folder, environ))
                starting.callback(process.terminate)
            give_up_at = time.monotonic() + START_SECONDS
            for account in (self.govcloud, self.commercial):
                while not account.is_ready(self._folder):
                    if time.monotonic() > give_up_at:
                        log = (self._folder / f"{account.name}.log").read_text(errors="replace")
                        raise RuntimeError(f"{account.name} did not start:\n{log[-2000:]}")
                    time.sleep(0.05)
            self._stack = starting.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
