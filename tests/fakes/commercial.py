"""A stand-in for Commercial Amazon Bedrock: the far side of the boundary, on one loopback port.

It verifies every request before it answers: the bearer key must be known, or the SigV4 signature must be right for
service `bedrock`. It speaks the runtime API and the discovery API on one port, answers the errors Bedrock answers, and
fails on demand. Run it on its own, or use `CommercialStandIn` as a context manager inside a test:

    python tests/fakes/commercial.py --port 0 --port-file FILE [--credentials FILE] [--region us-east-1 ...]

    POST /model/{modelId}/invoke, .../converse, .../count-tokens
    GET  /foundation-models[/{id}], /foundation-model-availability/{id}, /inference-profiles[/{id}]

Tests steer it with a control API that needs no credential and is never in the request log:

    GET, DELETE /_twin/requests    what arrived, refused or not, without credentials; forget it
    GET, POST, DELETE /_twin/faults    {"fault": "throttle", "count": 2, "match": "/model/", ...parameters}
    PUT  /_twin/credentials    {"api_keys": [...], "access_keys": [{"access_key_id", "secret_access_key",
                                "session_token"?, "expires_at"?}]}
    GET, PUT /_twin/clock    {"offset_seconds": 1200}: how far this side's clock is ahead of the machine's
    GET  /_twin/health

With --account-url, credentials that are not its own are those of the twin's Commercial account (commercial_account.py),
which is asked at each request whose they are and what IAM allows; TWIN_IDENTIFY_TOKEN is what the account wants to see.

Follows the AWS pages "Amazon Bedrock API Reference" (InvokeModel, Converse, CountTokens, ListFoundationModels,
ListInferenceProfiles), "Troubleshooting Amazon Bedrock API error codes", "API keys reference", "Inference profiles" and
"Create a signed AWS API request", and botocore's service models `bedrock` and `bedrock-runtime`.

What it does NOT prove: that a model or a quota exists, that TLS or DNS work, how long a model takes or what it says,
tokenisation, streaming (not offered: 404), or that AWS words an error as it did when this was written; and without an
account, that IAM allows a call. Sentences AWS does not document are from public bug reports.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

if not __package__:  # run as a file: make `tests.fakes` importable, as pytest's pythonpath does
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes import commercial_faults as faults
from tests.fakes.commercial_auth import DEFAULT_CREDENTIALS, Credentials, verify
from tests.fakes.commercial_control import CONTROL, control
from tests.fakes.commercial_iam import CommercialAccount, Identity
from tests.fakes.commercial_log import RequestLog
from tests.fakes.commercial_models import Catalogue
from tests.fakes.commercial_operations import answer, needs_of
from tests.fakes.commercial_wire import BedrockError, Connection, Request, Response

REGIONS = ("us-east-1", "us-east-2", "us-west-2")


class CommercialStandIn:
    """The stand-in in this process: `with CommercialStandIn() as bedrock: ... bedrock.url ... bedrock.requests`."""

    def __init__(
        self,
        *,
        port: int = 0,
        credentials: Mapping[str, Any] = DEFAULT_CREDENTIALS,
        regions: Sequence[str] = REGIONS,
        account: CommercialAccount | None = None,
    ) -> None:
        self.regions = tuple(regions)
        self.credentials = Credentials.from_document(credentials)
        self.connections = 0
        self.clock_offset = timedelta()
        self._account = account
        self.faults = faults.FaultBook()
        self._lock = threading.Lock()
        self.log = RequestLog()
        self._open: dict[Connection, threading.Thread] = {}
        self._stopping = False
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._acceptor = threading.Thread(target=self._accept, name="commercial-stand-in", daemon=True)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping = True
        # A thread in accept() does not notice its socket being closed everywhere; a last caller wakes it on any system.
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass
        self._acceptor.join(timeout=2)
        self._listener.close()
        with self._lock:
            remaining = dict(self._open)
        for connection in remaining:
            connection.shut()
        for thread in remaining.values():
            thread.join(timeout=2)

    @property
    def requests(self) -> list[dict[str, Any]]:
        return self.log.entries()

    @cached_property
    def _catalogue(self) -> Catalogue:
        # Not before the first request: the account may start after its Bedrock.
        return Catalogue(self.regions, self._account.account_id) if self._account else Catalogue(self.regions)

    def clear(self) -> None:
        """Forget the requests and the faults, and let the clock be right; the credentials stay."""
        self.faults.clear()
        self.log.clear()
        self.clock_offset = timedelta()

    def inject(self, fault: str, *, count: int = 1, match: str = "", **params: Any) -> None:
        self.faults.add(faults.Fault(fault, count, match, params))

    def replace_credentials(self, document: Mapping[str, Any]) -> None:
        self.credentials = Credentials.from_document(document)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._stopping:
                client.close()
                return
            connection = Connection(client)
            thread = threading.Thread(target=self._converse_with, args=(connection,), daemon=True)
            with self._lock:
                self.connections += 1
                self._open[connection] = thread
            thread.start()

    def _converse_with(self, connection: Connection) -> None:
        try:
            # The client hanging up, or not speaking HTTP, ends the conversation and nothing else.
            with suppress(OSError, ValueError):
                while not self._stopping and self._answer_next(connection):
                    pass
        finally:
            connection.close()
            with self._lock:
                del self._open[connection]

    def _answer_next(self, connection: Connection) -> bool:
        """One request and its answer; whether the connection is good for another."""
        start = connection.peek()
        if not start:  # an idle connection was closed; that must not use up a fault
            return False
        target = [*start.split(b" ", 2), b"", b""][1].decode("latin-1")
        if not target.startswith(CONTROL) and self.faults.take(target, before_reading=True):
            connection.reset()
            return False
        request = connection.read_request(self.clock_offset)
        if request is None:
            return False
        if target.startswith(CONTROL):
            connection.send(request, control(self, request))
            return request.keep_alive
        entry = self.log.record(request)

        def ask(credential: Mapping[str, str], region: str) -> Identity:
            return self._identify(credential, request, region, entry)

        try:
            verify(request, self.credentials, self.regions, request.now(), ask if self._account else None)
            catalogue = self._catalogue
        except BedrockError as refused:
            response, fault = refused.response, None
        else:
            response, fault = answer(request, catalogue), self.faults.take(request.path)
        return self._deliver(connection, request, response, fault, entry)

    def _deliver(
        self,
        connection: Connection,
        request: Request,
        response: Response,
        fault: faults.Fault | None,
        entry: dict[str, Any],
    ) -> bool:
        name = fault.name if fault else None
        if fault and fault.name in faults.SPOILED:
            response = faults.SPOILED[fault.name](response, **fault.params)
        # Before the first byte leaves, so that a test which has its answer finds the entry complete.
        self.log.complete(entry, fault=name, status=None if name in faults.UNANSWERED else response.status)
        if fault and fault.name in faults.BROKEN:
            faults.BROKEN[fault.name](connection, request, response, **fault.params)
            return request.keep_alive and connection.socket.fileno() >= 0
        connection.send(request, response)
        return request.keep_alive

    def _identify(
        self, credential: Mapping[str, str], request: Request, region: str, entry: dict[str, Any]
    ) -> Identity:
        """What the account says of a credential and of this request; the log gets to know who it is."""
        needs = needs_of(request, self._catalogue, region)
        conditions = {**(needs.conditions or {}), "aws:SourceIp": "127.0.0.1"}
        identity = self._account.identify(credential, replace(needs, conditions=conditions), region)
        if identity.principal_arn:
            # The id of an API key is no secret; of an access key the log has the end only, as before.
            known_as = identity.credential_id if "api_key" in credential else entry["authHint"]
            self.log.complete(entry, principal=identity.principal_arn, credential=known_as)
        return identity


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="A stand-in for Commercial Amazon Bedrock on 127.0.0.1.",
        epilog="faults and their parameters:\n" + faults.documented(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="written once the port accepts connections")
    parser.add_argument(
        "--credentials",
        type=Path,
        default=os.environ.get("COMMERCIAL_TWIN_CREDENTIALS"),
        help="JSON as for PUT /_twin/credentials; COMMERCIAL_TWIN_CREDENTIALS names one too",
    )
    parser.add_argument("--account-url", help="the twin's Commercial account; with it, its own credentials are none")
    parser.add_argument("--region", action="append", help="a Region to serve; repeat it; the first one is in the ARNs")
    options = parser.parse_args(arguments)
    account, credentials = None, DEFAULT_CREDENTIALS
    if options.account_url:
        account, credentials = CommercialAccount(options.account_url, os.environ["TWIN_IDENTIFY_TOKEN"]), {}
    if options.credentials:
        credentials = json.loads(Path(options.credentials).read_text())
    # Blocked here, so in every thread started below: the signal waits until this thread asks for it.
    stopping = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    regions = options.region or REGIONS
    with CommercialStandIn(port=options.port, credentials=credentials, regions=regions, account=account) as stand_in:
        if options.port_file:  # renamed into place: a reader never sees half a number
            draft = options.port_file.with_name(options.port_file.name + ".draft")
            draft.write_text(f"{stand_in.port}\n")
            draft.replace(options.port_file)
        print(stand_in.port, flush=True)
        signal.sigwait(stopping)


if __name__ == "__main__":
    main()
