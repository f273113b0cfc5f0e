"""What the caller sees and what the record says when something fails (the fault matrix but for credentials)."""

import ipaddress
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from inference_proxy.connection import DeadlineError, TransportError
from inference_proxy.models import Deadline
from inference_proxy.transport import Transport
from tests.contract.conftest import MakeBench, posts
from tests.contract.faulty_aws import FaultyAws, seconds_of
from tests.contract.router_bench import RouterBench, api_event
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

INVOKE = "/model/"


@pytest.mark.parametrize(
    ("fault", "params", "status", "code"),
    [
        ("reset_before_response", {}, 502, "UpstreamConnectionError"),  # F2
        ("close_before_response", {}, 502, "UpstreamConnectionError"),  # F2
        ("truncate", {}, 502, "UpstreamConnectionError"),  # F3
        ("half_json", {}, 502, "UpstreamProtocolError"),  # F3
        ("html", {}, 502, "UpstreamProtocolError"),  # F3
        ("not_json", {}, 502, "UpstreamProtocolError"),  # F3
        ("redirect", {}, 502, "UpstreamProtocolError"),  # F11
        ("large_response", {}, 502, "UpstreamResponseTooLarge"),  # F12
        ("huge_headers", {}, 502, "UpstreamProtocolError"),  # F13
        ("gzip", {}, 502, "UpstreamProtocolError"),  # F13
    ],
)
def test_what_cannot_be_believed_is_502_once(
    warm: RouterBench, commercial: CommercialStandIn, fault: str, params: dict[str, Any], status: int, code: str
) -> None:
    """Never a success, and never a second try: the model may have run and been billed."""
    before = posts(commercial)
    commercial.inject(fault, count=5, match=INVOKE, **params)

    answer = warm.invoke()

    assert (answer.status, answer.error["code"]) == (status, code)
    assert posts(commercial) == before + 1
    record = warm.records("InvokeModel")[-1]
    assert (record["state"], record["success"], record["errorCode"]) == ("FAILED", False, code)
    assert (record["statusCode"], record["attempts"]) == (str(status), "1")
    commercial.faults.clear()
    assert warm.invoke().status == 200


@pytest.mark.parametrize(
    ("fault", "status"), [("model_timeout", 408), ("model_error", 424), ("service_unavailable", 503)]
)
def test_bedrocks_own_failures_pass_and_are_not_repeated(
    warm: RouterBench, commercial: CommercialStandIn, fault: str, status: int
) -> None:
    """F7, F8."""
    before = posts(commercial)
    commercial.inject(fault, count=5, match=INVOKE)

    assert warm.invoke().status == status
    assert posts(commercial) == before + 1
    assert warm.records("InvokeModel")[-1]["state"] == "COMPLETED"


def test_retry_after_of_bedrock_reaches_the_caller(warm: RouterBench, commercial: CommercialStandIn) -> None:
    """F6."""
    commercial.inject("throttle", match=INVOKE, headers={"Retry-After": "3"})

    answer = warm.invoke()

    assert (answer.status, answer.headers["Retry-After"]) == (429, "3")


def test_a_body_without_a_length_is_accepted_if_it_is_whole(warm: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.inject("no_content_length", match=INVOKE)
    assert warm.invoke().status == 200


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_the_deadline_holds_however_the_upstream_is_slow(
    warm: RouterBench, commercial: CommercialStandIn, fault: str
) -> None:
    """F4, F5 [23]: 504 before API Gateway gives up, and the record is complete."""
    commercial.inject(fault, match=INVOKE)
    started = time.monotonic()

    answer = warm.invoke(seconds=3.0)

    assert (answer.status, answer.error["code"]) == (504, "UpstreamTimeout")
    assert 1.0 < seconds_of(started) < 3.0
    assert warm.records("InvokeModel")[-1]["errorCode"] == "UpstreamTimeout"


def test_no_time_left_means_nothing_sent(warm: RouterBench, commercial: CommercialStandIn) -> None:
    before = posts(commercial)

    answer = warm.invoke(seconds=1.2)

    assert (answer.status, answer.error["code"]) in [(504, "DeadlineExceeded"), (503, "AuditUnavailable")]
    assert posts(commercial) == before


def test_a_connection_the_upstream_closed_is_not_used_again(warm: RouterBench, commercial: CommercialStandIn) -> None:
    """F1: between two requests, so nothing was sent on it."""
    commercial.inject("close_before_response", match=INVOKE)
    assert warm.invoke().status == 502
    assert warm.invoke().status == 200


def test_an_unreachable_upstream_is_502_after_two_attempts(make_bench: MakeBench, aws_url: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bench = make_bench({"bedrock_api_key": API_KEY}, f"http://127.0.0.1:{port}")

    answer = bench.invoke()

    assert (answer.status, answer.error["code"]) == (502, "UpstreamConnectionError")
    record = bench.records("InvokeModel")[0]
    assert (record["state"], record["attempts"]) == ("FAILED", "2")


def test_a_name_that_does_not_resolve(make_bench: MakeBench) -> None:
    """F9."""
    bench = make_bench({"bedrock_api_key": API_KEY}, "https://bedrock.invalid")
    answer = bench.invoke()
    assert (answer.status, answer.error["code"]) == (502, "UpstreamUnresolvable")


def test_tls_is_verified_and_never_skipped(
    make_bench: MakeBench, commercial: CommercialStandIn, tmp_path: Path
) -> None:
    """F10: refused while the issuer is unknown; served, connection reuse included, once it is trusted."""
    with TlsFront(commercial.port, tmp_path) as (url, certificate):
        bench = make_bench({"bedrock_api_key": API_KEY}, url)
        answer = bench.invoke()
        assert (answer.status, answer.error["code"]) == (502, "UpstreamTlsError")
        assert commercial.requests == []

        bench.restart(AWS_CA_BUNDLE=str(certificate))
        bench.transport.connect(url, Deadline.after(5))  # as handler.py does ahead of the first request
        assert bench.invoke().status == 200
        assert bench.invoke().status == 200


@pytest.mark.parametrize("fault", [503, 400, "reset"])
def test_no_record_no_crossing(
    make_bench: MakeBench, commercial: CommercialStandIn, faulty_aws: FaultyAws, fault: int | str
) -> None:
    """F14: the upstream sees nothing, not even a request for its lists."""
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    faulty_aws.faults["PutItem"] = fault

    answer = bench.invoke()

    assert (answer.status, answer.error["code"]) == (503, "AuditUnavailable")
    assert answer.headers["Retry-After"]
    assert "XP-CANARY" not in answer.text
    assert commercial.requests == []


def test_a_hanging_audit_table_costs_seconds(
    make_bench: MakeBench, commercial: CommercialStandIn, faulty_aws: FaultyAws
) -> None:
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url, DISCOVERY_MAX_AGE_SECONDS="300")
    faulty_aws.faults["PutItem"] = "hang"
    started = time.monotonic()

    assert bench.invoke().status == 503
    assert seconds_of(started) < 7.5
    assert commercial.requests == []


def test_an_audit_write_whose_answer_was_lost_is_repeated_not_doubled(
    make_bench: MakeBench, commercial: CommercialStandIn, faulty_aws: FaultyAws
) -> None:
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    assert bench.invoke().status == 200
    faulty_aws.faults |= {"PutItem": "lost", "UpdateItem": "lost"}

    assert bench.invoke().status == 200

    assert [record["state"] for record in bench.records("InvokeModel")] == ["COMPLETED", "COMPLETED"]


def test_an_outcome_that_cannot_be_written_leaves_the_intent_as_evidence(
    make_bench: MakeBench, faulty_aws: FaultyAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """F15: the answer, which has been paid for, still goes out; log and metric tell."""
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    faulty_aws.faults["UpdateItem"] = 503

    assert bench.invoke().status == 200

    assert bench.records("InvokeModel")[0]["state"] == "STARTED"
    printed = capsys.readouterr().out
    assert "AuditWriteFailures" in printed
    assert "audit outcome not written" in printed


def test_the_record_of_a_request_cannot_be_taken_over(
    bench: RouterBench, commercial: CommercialStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same id in the same millisecond, from another invocation: refused, and nothing leaves."""
    monkeypatch.setattr("inference_proxy.audit.timestamp_ms", lambda _moment: "2026-11-22T08:00:00.000Z")
    event = {"requestContext": api_event("POST", "/")["requestContext"]}
    assert bench.invoke(**event).status == 200
    before = len(commercial.requests)

    answer = bench.invoke(**event)

    assert (answer.status, answer.error["code"]) == (503, "AuditUnavailable")
    assert len(commercial.requests) == before


def test_an_intent_that_arrives_late_does_not_undo_the_outcome(make_bench: MakeBench, faulty_aws: FaultyAws) -> None:
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_DYNAMODB=faulty_aws.url)
    assert bench.invoke().status == 200
    headers, body = faulty_aws.last["PutItem"]
    status, _ = faulty_aws.forward(headers, body)
    assert status == 400
    assert bench.records("InvokeModel")[0]["state"] == "COMPLETED"


def test_tokens_of_an_answer_that_cannot_be_believed_are_on_record(
    warm: RouterBench, commercial: CommercialStandIn
) -> None:
    commercial.inject("half_json", match=INVOKE)
    assert warm.invoke().status == 502
    record = warm.records("InvokeModel")[-1]
    assert (record["state"], record["errorCode"]) == ("FAILED", "UpstreamProtocolError")
    assert int(record["outputTokens"]) > 0


def test_a_hanging_resolver_and_dead_addresses_keep_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """F5, F9: one budget for the name, all its addresses and TLS."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        for client in waiting:  # fills the queue: further connections get no answer
            client.setblocking(False)
            client.connect_ex(address)
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address)] * 4
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        started = time.monotonic()
        with pytest.raises(TransportError):
            Transport().connect("http://made.up", Deadline.after(1))
        assert seconds_of(started) < 3.0

        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(4))
        started = time.monotonic()
        with pytest.raises(DeadlineError):
            Transport().connect("http://made.up", Deadline.after(0.5))
        assert seconds_of(started) < 3.0
        for client in waiting:
            client.close()


def test_lists_that_cannot_be_read_do_not_stop_an_on_demand_model(
    bench: RouterBench, commercial: CommercialStandIn
) -> None:
    commercial.inject("status", count=20, match="/foundation-models", status=403, errortype="AccessDeniedException")

    assert bench.invoke().status == 200
    assert bench.invoke().status == 200
    assert sum(request["path"] == "/foundation-models" for request in commercial.requests) == 1
    listed = bench.records("ListModels")
    assert [(record["state"], record["statusCode"]) for record in listed] == [("COMPLETED", "403")]


def test_a_defect_is_500_and_its_text_stays_inside(
    bench: RouterBench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("XP-CANARY prompt")

    monkeypatch.setattr("inference_proxy.operations.invoke._answer", broken)

    answer = bench.invoke()

    assert (answer.status, answer.error["code"]) == (500, "InternalError")
    record = bench.records("InvokeModel")[0]
    assert (record["state"], record["errorCode"]) == ("FAILED", "InternalError")
    printed = capsys.readouterr().out
    assert "RuntimeError" in printed
    assert "XP-CANARY" not in printed + answer.text


def test_no_prompt_completion_or_key_in_any_log_line(warm: RouterBench, capsys: pytest.CaptureFixture[str]) -> None:
    """At DEBUG, over a success, a refusal by Bedrock and a bad body."""
    completion = json.loads(json.loads(warm.invoke().text)["body"])["output"]["message"]["content"][0]["text"]
    warm.invoke("no.such-model-v1:0")
    warm.call("POST", "/bedrock/invoke-model", b"XP-CANARY-not-json")
    printed = capsys.readouterr()
    for secret in ("XP-CANARY", completion, API_KEY):
        assert secret not in printed.out + printed.err


class TlsFront:
    """Speaks TLS in front of a plain server, with a certificate of its own for 127.0.0.1."""

    def __init__(self, port: int, folder: Path) -> None:
        self._port = port
        self._certificate = folder / "certificate.pem"
        key_file = folder / "key.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made up")])
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(datetime.now(UTC) - timedelta(days=1))
        builder = builder.not_valid_after(datetime.now(UTC) + timedelta(days=1))
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        certificate = builder.sign(key, hashes.SHA256())
        self._certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = serialization.PrivateFormat.PKCS8
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, key_file)
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> tuple[str, Path]:
        threading.Thread(target=self._accept, daemon=True).start()
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}", self._certificate

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with (
                self._context.wrap_socket(client, server_side=True) as outside,
                socket.create_connection(("127.0.0.1", self._port)) as inside,
            ):
                back = threading.Thread(target=_copy, args=(inside, outside), daemon=True)
                back.start()
                _copy(outside, inside)
                back.join(5)
        except OSError:
            client.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
