"""The server that the Commercial stand-in is: connections, who may ask, the fault if one is due, and the log.

commercial.py tells what it offers and how to steer it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.fakes import commercial_faults as faults
from tests.fakes.commercial_auth import DEFAULT_CREDENTIALS, Credentials, verify
from tests.fakes.commercial_connection import Connection
from tests.fakes.commercial_control import CONTROL, control
from tests.fakes.commercial_deliveries import Deliveries
from tests.fakes.commercial_fault_book import Fault, FaultBook
from tests.fakes.commercial_iam import CommercialAccount, Identity
from tests.fakes.commercial_log import RequestLog
from tests.fakes.commercial_needs import needs_of
from tests.fakes.commercial_operations import Bedrock
from tests.fakes.commercial_vendor_errors import as_the_path_has_it
from tests.fakes.commercial_wire import BedrockError, Request, Response

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
        logs_folder: Path | None = None,
    ) -> None:
        self.regions = tuple(regions)
        self.credentials = Credentials.from_document(credentials)
        self.connections = 0
        self.clock_offset = timedelta()
        self._account = account
        self.faults = FaultBook()
        self._lock = threading.Lock()
        self.log = RequestLog()
        self._deliveries = Deliveries(logs_folder, self.regions[0]) if logs_folder else None
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
        self.deliver_logs()

    @property
    def requests(self) -> list[dict[str, Any]]:
        return self.log.entries()

    @cached_property
    def bedrock(self) -> Bedrock:
        # Not before the first request: the account may start after its Bedrock.
        return Bedrock(self.regions, *([self._account.account_id] if self._account else []))

    def deliver_logs(self) -> None:
        """Write what CloudTrail and the model invocation log have of the calls so far, if there is a folder for it."""
        if self._deliveries:
            self._deliveries.deliver(datetime.now(UTC) + self.clock_offset)

    def clear(self) -> None:
        """Forget the requests, the faults and what callers created, and let the clock and the lists be right."""
        self.faults.clear()
        self.__dict__.pop("bedrock", None)  # made anew at the next request
        self.log.clear()
        self.clock_offset = timedelta()

    def inject(self, fault: str, *, count: int = 1, match: str = "", **params: Any) -> None:
        self.faults.add(Fault(fault, count, match, params))

    def misreport(self, changes: Mapping[str, Mapping[str, Any] | None]) -> None:
        """Let the discovery answers say these members of a model's or a profile's entry, by id; None leaves it out."""
        self.bedrock.catalogue.misreport(changes)

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
            bedrock = self.bedrock
        except BedrockError as refused:
            response, fault = refused.response, None
        else:
            response, fault = bedrock.answer(request), self.faults.take(request.target)
        return self._deliver(connection, request, response, fault, entry)

    def _deliver(
        self,
        connection: Connection,
        request: Request,
        response: Response,
        fault: Fault | None,
        entry: dict[str, Any],
    ) -> bool:
        name = fault.name if fault else None
        served = response
        response = as_the_path_has_it(request, response)
        if fault and fault.name in faults.SPOILED:
            response = as_the_path_has_it(request, faults.SPOILED[fault.name](response, **fault.params))
            served = response if response.status >= 400 else served
        # Before the first byte leaves, so that a test which has its answer finds the entry complete.
        self.log.complete(entry, fault=name, status=None if name in faults.UNANSWERED else response.status)
        if self._deliveries:
            self._deliveries.note(request, served, entry["principal"], self.bedrock.catalogue.account)
        if fault and fault.name in faults.BROKEN:
            faults.BROKEN[fault.name](connection, request, response, **fault.params)
            return request.keep_alive and connection.socket.fileno() >= 0
        connection.send(request, response)
        return request.keep_alive

    def _identify(
        self, credential: Mapping[str, str], request: Request, region: str, entry: dict[str, Any]
    ) -> Identity:
        """What the account says of a credential and of this request; the log gets to know who it is."""
        needs = needs_of(request, self.bedrock.catalogue, region)
        conditions = {**(needs.conditions or {}), "aws:SourceIp": "127.0.0.1"}
        identity = self._account.identify(credential, replace(needs, conditions=conditions), region)
        if identity.principal_arn:
            # The id of an API key is no secret; of an access key the log has the end only, as before.
            known_as = identity.credential_id if "api_key" in credential else entry["authHint"]
            self.log.complete(entry, principal=identity.principal_arn, credential=known_as)
        return identity
