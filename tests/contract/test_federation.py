"""Cross-partition identity federation: no secret, two calls of STS, temporary credentials renewed in time."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference_proxy.aws_query import StsClient
from inference_proxy.clock import Clock
from inference_proxy.credentials import Credential, CredentialStore
from inference_proxy.errors import CredentialsUnavailableError, DeadlineExceededError
from inference_proxy.federation import FederationSource
from inference_proxy.models import Deadline
from inference_proxy.settings import AwsKeys
from inference_proxy.signing import SigV4Signer
from inference_proxy.transport import Transport
from tests.contract.conftest import MakeBench
from tests.contract.faulty_aws import seconds_of
from tests.contract.router_bench import REGION, RouterBench
from tests.contract.scripted_sts import AUDIENCE, CANARY, ROLE_ARN, ScriptedSts
from tests.fakes.commercial import CommercialStandIn

GET, EXCHANGE = "GetWebIdentityToken", "AssumeRoleWithWebIdentity"


@pytest.fixture
def sts(commercial: CommercialStandIn) -> Iterator[ScriptedSts]:
    with ScriptedSts(commercial).running() as server:
        yield server


@pytest.fixture
def federated(make_bench: MakeBench, sts: ScriptedSts) -> RouterBench:
    """A router that has no secret and needs none."""
    bench = make_bench(None)
    del bench.environ["CREDENTIAL_SECRET_ID"]
    bench.restart(AWS_LAMBDA_FUNCTION_NAME="cross-partition-dev-router", **sts.environ)
    return bench


def test_a_session_signs_and_the_record_names_the_token(
    federated: RouterBench, sts: ScriptedSts, commercial: CommercialStandIn
) -> None:
    assert [federated.invoke().status for _ in range(3)] == [200, 200, 200]

    (_, get, get_headers), (_, exchange, exchange_headers) = sts.calls
    assert get == {
        "Action": GET,
        "Version": "2011-06-15",
        "Audience.member.1": AUDIENCE,
        "SigningAlgorithm": "ES384",
        "DurationSeconds": "60",
    }
    assert f"/{REGION}/sts/aws4_request" in get_headers["authorization"]
    assert "authorization" not in exchange_headers  # the token is the proof; GovCloud's keys mean nothing there
    assert {name: exchange[name] for name in ("RoleArn", "RoleSessionName", "DurationSeconds")} == {
        "RoleArn": ROLE_ARN,
        "RoleSessionName": "cross-partition-dev-router",
        "DurationSeconds": "3600",
    }
    assert {request["auth"] for request in commercial.requests} == {"sigv4"}
    for record in federated.records():
        assert (record["authMode"], record["credentialVersion"]) == ("federation", sts.token_ids[0])


def test_it_serves_discovery_and_health_too(federated: RouterBench) -> None:
    assert federated.call("GET", "/bedrock/models").json["totalModels"] > 0
    assert federated.call("GET", "/health").json["checks"] == {"auditTable": "ok", "credential": "ok", "policy": "ok"}


def test_a_session_is_renewed_before_it_ends(federated: RouterBench, sts: ScriptedSts) -> None:
    sts.session_seconds = 3.0
    stop_at = time.monotonic() + 6
    statuses = []
    while time.monotonic() < stop_at:
        statuses.append(federated.invoke().status)
    assert set(statuses) == {200}
    assert 2 <= sts.count(EXCHANGE) <= 4
    assert {record["attempts"] for record in federated.records("InvokeModel")} == {"1"}


@pytest.fixture
def source(sts: ScriptedSts) -> Iterator[FederationSource]:
    transport, clock = Transport(), Clock()
    signer = SigV4Signer(AwsKeys("ASIAMADEUP", "made-up", "made-up-token"), REGION, "sts", clock)
    clients = [StsClient(transport, sts.url, "sts", each, clock) for each in (signer, None)]
    yield FederationSource(*clients, ROLE_ARN, AUDIENCE, "router", "us-east-1", clock)
    transport.close()


def test_one_renewal_at_a_time(sts: ScriptedSts, source: FederationSource) -> None:
    """While it is under way the present session serves; without one, everybody waits for the one that comes."""
    sts.delay_seconds = 1.0
    sts.session_seconds = 6.0
    store = CredentialStore(source)
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda _: store.get(Deadline.after(5)).version, range(8)))
        assert first == [sts.token_ids[0]] * 8
        time.sleep(5.0)  # renewal is due, the session lives on
        started = time.monotonic()
        second = list(pool.map(lambda _: (store.get(Deadline.after(5)).version, seconds_of(started)), range(8)))
    assert sts.count(EXCHANGE) == 2
    assert sorted({version for version, _ in second}) == sorted(sts.token_ids)
    assert sum(seconds < 0.8 for version, seconds in second if version == first[0]) == 7


def test_who_waits_for_a_renewal_keeps_the_deadline(sts: ScriptedSts, source: FederationSource) -> None:
    sts.delay_seconds = 1.5
    store = CredentialStore(source)
    thread = threading.Thread(target=lambda: store.get(Deadline.after(5)))
    thread.start()
    time.sleep(0.3)
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        store.get(Deadline.after(0.3))
    assert seconds_of(started) < 1.0
    thread.join()


@pytest.mark.parametrize("operation", [GET, EXCHANGE])
@pytest.mark.parametrize(
    "fault",
    [
        "AccessDenied",
        "OutboundWebIdentityFederationDisabledException",
        "InvalidIdentityToken",
        "ExpiredTokenException",
        "IDPCommunicationError",
        "garbled",
        "empty",
        "reset",
        503,
    ],
)
def test_without_a_session_nothing_leaves(
    federated: RouterBench,
    sts: ScriptedSts,
    commercial: CommercialStandIn,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    fault: str | int,
) -> None:
    sts.faults[operation] = fault
    answer = federated.invoke()

    assert (answer.status, answer.error["code"]) == (503, "CredentialsUnavailable")
    assert answer.headers["Retry-After"] == "5"
    assert ("GovCloud STS" if operation == GET else "Commercial STS") in answer.error["message"]
    assert commercial.requests == []
    records = federated.records()
    assert {(record["state"], record["errorCode"]) for record in records} == {("FAILED", "CredentialsUnavailable")}
    printed = capsys.readouterr()
    for text in (answer.text, json.dumps(records), printed.out, printed.err):
        assert CANARY not in text

    sts.faults.clear()
    assert federated.invoke().status == 200


def test_an_outage_of_sts_goes_unnoticed_while_the_session_lives(
    federated: RouterBench, sts: ScriptedSts, capsys: pytest.CaptureFixture[str]
) -> None:
    sts.session_seconds = 4.0
    started = time.monotonic()
    assert federated.invoke().status == 200
    sts.faults = {GET: "reset"}
    while seconds_of(started) < 3.5:  # renewal is due after three quarters
        assert federated.invoke().status == 200
        time.sleep(0.1)
    assert "StaleCredentials" in capsys.readouterr().out

    time.sleep(max(0.0, 4.1 - seconds_of(started)))
    assert federated.invoke().error["code"] == "CredentialsUnavailable"
    sts.faults.clear()
    assert federated.invoke().status == 200


def test_a_refusal_of_sts_stops_the_crossing(federated: RouterBench, sts: ScriptedSts) -> None:
    """Taking the permission or the trust away is how an operator stops it: the session is not used up first."""
    sts.session_seconds = 2.0
    assert federated.invoke().status == 200
    sts.faults[EXCHANGE] = "AccessDenied"
    time.sleep(1.6)
    assert [federated.invoke().status for _ in range(2)] == [503, 503]


@pytest.mark.parametrize("operation", [GET, EXCHANGE])
def test_a_hanging_sts_costs_seconds(federated: RouterBench, sts: ScriptedSts, operation: str) -> None:
    sts.faults[operation] = "hang"
    started = time.monotonic()
    assert federated.invoke().status == 503
    assert seconds_of(started) < 6.0  # twice: for Bedrock's lists and for the call


def test_a_revoked_session_is_replaced_once(
    federated: RouterBench, sts: ScriptedSts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a session that is not new, a refusal may mean that it was revoked; F19."""
    monkeypatch.setattr("inference_proxy.federation._LEAST_AGE_SECONDS", 0)
    assert federated.invoke().status == 200
    sts.revoke_sessions()
    assert federated.invoke().status == 200
    assert federated.records("InvokeModel")[-1]["attempts"] == "2"
    assert federated.records("InvokeModel")[-1]["credentialVersion"] == sts.token_ids[1]


def test_refusals_of_a_new_session_cost_no_exchange(
    federated: RouterBench, sts: ScriptedSts, commercial: CommercialStandIn
) -> None:
    assert federated.invoke().status == 200
    commercial.inject("status", count=20, status=403, errortype="AccessDeniedException")
    assert [federated.invoke().status for _ in range(5)] == [403] * 5
    assert sts.count(EXCHANGE) == 1


def test_nothing_shows_a_token_or_a_session(sts: ScriptedSts, source: FederationSource) -> None:
    """Not in any repr, and not in what is raised."""
    credential = source.read(Deadline.after(5))
    assert CANARY not in repr(credential)
    assert isinstance(credential, Credential)
    for operation in (GET, EXCHANGE):
        sts.faults = {operation: "AccessDenied"}
        with pytest.raises(CredentialsUnavailableError) as raised:
            source.read(Deadline.after(5))
        assert CANARY not in f"{raised.value!r}{raised.value}{raised.value.__cause__!r}{raised.value.__context__!r}"
