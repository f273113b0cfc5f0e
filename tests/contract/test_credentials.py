"""The stored credential: its formats, its faults (F16 to F19, F23), rotation, and that nothing shows it."""

import base64
import json
import logging
import time
from datetime import timedelta
from typing import Any

import pytest

from inference_proxy.clock import Clock
from inference_proxy.errors import CredentialsMalformedError
from inference_proxy.models import Deadline
from inference_proxy.secret import parse_secret
from tests.contract.conftest import MakeBench, posts
from tests.contract.faulty_aws import FaultyAws, seconds_of
from tests.contract.policies import policy
from tests.contract.router_bench import Context, RouterBench
from tests.contract.scripted_sts import AUDIENCE, ROLE_ARN, ScriptedSts
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import (
    ACCESS_KEY_ID,
    API_KEY,
    SECRET_ACCESS_KEY,
    SESSION_ACCESS_KEY_ID,
    SESSION_TOKEN,
)

AWS_KEYS = {"aws_access_key_id": ACCESS_KEY_ID, "aws_secret_access_key": SECRET_ACCESS_KEY}
SESSION_KEYS = AWS_KEYS | {"aws_access_key_id": SESSION_ACCESS_KEY_ID, "aws_session_token": SESSION_TOKEN}


@pytest.mark.parametrize(
    "secret",
    [
        None,
        "",
        "XP-CANARY not json",
        '"XP-CANARY"',
        {},
        {"bedrock_api_key": ""},
        {"bedrock_api_key": "XP-CANARY\r\nX-Evil: 1"},
        {"bedrock_api_key": "AKIA" + "A" * 16 + ":XP-CANARY"},  # [5]
        {"bedrock_api_key": base64.b64encode(b"AKIA" + b"A" * 16 + b":XP-CANARY").decode()},  # [5]
        "[" * 200_000,
        {"aws_access_key_id": "XP-CANARY"},
        {"aws_secret_access_key": "XP-CANARY"},
        {"aws_access_key_id": "XP-CANARY", "aws_secret_access_key": 7},
        {"bedrock_api_key": "XP-CANARY", "region": "evil.example/#"},
        {"bedrock_api_key": "XP-CANARY", "region": "us-gov-west-1"},
    ],
)
def test_an_unusable_secret_is_503_and_shows_nothing_of_itself(
    make_bench: MakeBench,
    commercial: CommercialStandIn,
    capsys: pytest.CaptureFixture[str],
    secret: dict[str, Any] | str | None,
) -> None:
    """F18 [5] [9]."""
    bench = make_bench(secret or None)
    if secret == "":
        bench.secrets.create_secret(Name=bench.secret, SecretBinary=b"\xff\xfe")

    answer = bench.invoke()

    assert answer.status == 503
    assert answer.error["code"] in ("CredentialsUnavailable", "CredentialsMalformed")
    assert commercial.requests == []
    records = bench.records("InvokeModel")
    assert [record["state"] for record in records] == ["FAILED"]
    printed = capsys.readouterr()
    for text in (answer.text, json.dumps(records), printed.out, printed.err):
        assert "XP-CANARY" not in text
    assert bench.secret not in answer.text


def test_secrets_manager_down_is_503_when_cold_and_unnoticed_when_warm(
    make_bench: MakeBench, faulty_aws: FaultyAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """F16, F17 [25]."""
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_SECRETSMANAGER=faulty_aws.url, CREDENTIAL_MAX_AGE_SECONDS="0")
    faulty_aws.faults["GetSecretValue"] = 503
    cold = bench.invoke()
    assert (cold.status, cold.error["code"]) == (503, "CredentialsUnavailable")
    assert cold.headers["Retry-After"]

    del faulty_aws.faults["GetSecretValue"]
    assert bench.invoke().status == 200
    faulty_aws.faults["GetSecretValue"] = 503
    assert bench.invoke().status == 200
    assert "StaleCredentials" in capsys.readouterr().out


@pytest.mark.parametrize("stop", ["delete", "deny", "malformed"])
def test_an_operator_can_stop_the_crossing(
    make_bench: MakeBench, commercial: CommercialStandIn, faulty_aws: FaultyAws, stop: str
) -> None:
    """A secret that is gone, denied or broken is not an outage: the cached one does not serve on, for nobody."""
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_SECRETSMANAGER=faulty_aws.url, CREDENTIAL_MAX_AGE_SECONDS="0")
    assert bench.invoke().status == 200
    if stop == "delete":
        bench.secrets.delete_secret(SecretId=bench.secret, ForceDeleteWithoutRecovery=True)
    elif stop == "deny":
        faulty_aws.faults["GetSecretValue"] = "AccessDeniedException"
    else:
        bench.secrets.put_secret_value(SecretId=bench.secret, SecretString="{}")
    before = posts(commercial)

    assert [bench.invoke().status for _ in range(3)] == [503, 503, 503]
    assert posts(commercial) == before


def test_a_hanging_secrets_manager_costs_seconds(make_bench: MakeBench, faulty_aws: FaultyAws) -> None:
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_SECRETSMANAGER=faulty_aws.url)
    faulty_aws.faults["GetSecretValue"] = "hang"
    started = time.monotonic()

    assert bench.invoke().status == 503
    assert seconds_of(started) < 6.0


def test_the_secret_is_read_once_for_many_requests(make_bench: MakeBench, faulty_aws: FaultyAws) -> None:
    """[25] the original read it on every request."""
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL_SECRETSMANAGER=faulty_aws.url)
    for _ in range(5):
        assert bench.invoke().status == 200
    assert faulty_aws.calls.count("GetSecretValue") == 1


def test_a_rotated_key_is_picked_up_on_the_first_refusal(warm: RouterBench, commercial: CommercialStandIn) -> None:
    """F19: one new read, one second try, and the caller notices nothing."""
    commercial.replace_credentials({"api_keys": ["rotated-key"]})
    warm.secrets.put_secret_value(SecretId=warm.secret, SecretString='{"bedrock_api_key":"rotated-key"}')

    assert warm.invoke().status == 200
    assert warm.records("InvokeModel")[-1]["attempts"] == "2"


def test_a_refused_key_that_did_not_change_is_bedrocks_403(warm: RouterBench, commercial: CommercialStandIn) -> None:
    commercial.replace_credentials({"api_keys": ["another-key"]})

    answer = warm.invoke()

    assert (answer.status, answer.error["code"]) == (403, "AccessDeniedException")
    assert API_KEY not in answer.text


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({"access_keys": []}, "UnrecognizedClientException"),  # revoked
        (
            {
                "access_keys": [
                    {
                        "access_key_id": SESSION_ACCESS_KEY_ID,
                        "secret_access_key": SECRET_ACCESS_KEY,
                        "session_token": SESSION_TOKEN,
                        "expires_at": "2020-01-01T00:00:00Z",
                    }
                ]
            },
            "ExpiredTokenException",
        ),
    ],
)
def test_keys_that_ended_are_bedrocks_403_until_others_are_stored(
    make_bench: MakeBench, commercial: CommercialStandIn, known: dict[str, Any], code: str
) -> None:
    bench = make_bench(SESSION_KEYS)
    assert bench.invoke().status == 200
    commercial.replace_credentials(known | {"api_keys": ["new-key"]})
    refused = bench.invoke()
    assert (refused.status, refused.error["code"]) == (403, code)
    record = bench.records("InvokeModel")[-1]
    assert (record["state"], record["statusCode"], record["errorCode"]) == ("COMPLETED", "403", code)

    put_version(bench, {"bedrock_api_key": "new-key"}, "AWSCURRENT")
    time.sleep(1.1)  # the router looks for another credential once a second
    assert bench.invoke().status == 200
    assert bench.records("InvokeModel")[-1]["authMode"] == "api_key"


def put_version(bench: RouterBench, secret: dict[str, str], stage: str) -> str:
    """A further version of the secret with a stage label; its id."""
    text = json.dumps(secret)
    return str(
        bench.secrets.put_secret_value(SecretId=bench.secret, SecretString=text, VersionStages=[stage])["VersionId"]
    )


def test_a_pending_key_serves_when_the_current_one_was_cut_off(
    warm: RouterBench, commercial: CommercialStandIn
) -> None:
    """F19: a rotation by hand that took the old key away before the new one was current."""
    pending = put_version(warm, {"bedrock_api_key": "pending-key"}, "AWSPENDING")
    commercial.replace_credentials({"api_keys": ["pending-key"]})

    assert [warm.invoke().status for _ in range(3)] == [200, 200, 200]
    records = warm.records("InvokeModel")
    assert [record["attempts"] for record in records] == ["1", "2", "1", "1"]
    assert [record["credentialVersion"] for record in records[1:]] == [pending] * 3


def test_a_pending_key_that_is_no_good_is_not_kept(warm: RouterBench, commercial: CommercialStandIn) -> None:
    """A refusal for another reason: the caller gets it, and the current key stays the one in service."""
    put_version(warm, {"bedrock_api_key": "not-yet-valid"}, "AWSPENDING")
    commercial.inject("status", status=403, errortype="AccessDeniedException")
    assert warm.invoke().status == 403
    assert warm.invoke().status == 200
    assert warm.records("InvokeModel")[-1]["attempts"] == "1"


def test_refusals_cost_one_look_a_second(make_bench: MakeBench, faulty_aws: FaultyAws) -> None:
    bench = make_bench({"bedrock_api_key": "unknown-key"})
    bench.restart(AWS_ENDPOINT_URL_SECRETSMANAGER=faulty_aws.url)
    started = time.monotonic()
    assert {bench.invoke().status for _ in range(10)} == {403}
    looks = 2 * (1 + int(seconds_of(started)))  # the current and the pending version
    assert faulty_aws.calls.count("GetSecretValue") <= 1 + looks


@pytest.mark.parametrize(
    ("mode", "secret", "used"),
    [
        ("api_key", {"bedrock_api_key": API_KEY} | AWS_KEYS, "api_key"),
        ("aws_keys", {"bedrock_api_key": API_KEY} | AWS_KEYS, "aws_keys"),
        ("aws_keys", {"bearer_token": API_KEY} | SESSION_KEYS, "aws_keys"),
        ("api_key", SESSION_KEYS, "aws_keys"),
        ("aws_keys", {"bedrock_bearer_token": API_KEY}, "api_key"),
    ],
)
def test_the_mode_chooses_where_the_secret_holds_both(
    make_bench: MakeBench, mode: str, secret: dict[str, str], used: str
) -> None:
    """A secret with one kind serves in either mode, so that a switch has no gap; the record says what was used."""
    bench = make_bench(secret)
    bench.restart(CREDENTIAL_MODE=mode)
    assert bench.invoke().status == 200
    assert bench.records("InvokeModel")[0]["authMode"] == used


@pytest.mark.parametrize("skew_seconds", [-600, 600])
def test_a_wrong_clock_is_set_by_dynamodbs(make_bench: MakeBench, faulty_aws: FaultyAws, skew_seconds: int) -> None:
    """F23: the first refusal says what time it is; nothing is lost, and later signatures are right at once."""
    faulty_aws.clock_skew_seconds = skew_seconds
    bench = make_bench({"bedrock_api_key": API_KEY})
    bench.restart(AWS_ENDPOINT_URL=faulty_aws.url)
    assert [bench.invoke().status for _ in range(2)] == [200, 200]
    assert faulty_aws.calls.count("GetItem") == 2  # the policy: refused, and read
    assert faulty_aws.calls.count("PutItem") == len(bench.records())
    assert {abs(int(record["clockSkewSeconds"]) - skew_seconds) <= 2 for record in bench.records()} == {True}


@pytest.mark.parametrize("skew_seconds", [-1200, 1200])
def test_a_wrong_clock_is_set_by_commercials(
    make_bench: MakeBench, commercial: CommercialStandIn, skew_seconds: int
) -> None:
    """F23: Bedrock refused the signature, so nothing was served and one more attempt is safe."""
    bench = make_bench(AWS_KEYS)
    commercial.clock_offset = timedelta(seconds=skew_seconds)
    assert [bench.invoke().status for _ in range(2)] == [200, 200]
    records = bench.records()
    assert [(record["operation"], record["attempts"]) for record in records] == [
        ("ListModels", "4"),  # three lists, the first of them twice
        ("InvokeModel", "1"),
        ("InvokeModel", "1"),
    ]
    assert {abs(int(record["clockSkewSeconds"]) - skew_seconds) <= 2 for record in records} == {True}


def test_a_signature_that_is_wrong_for_another_reason_is_not_repeated(
    make_bench: MakeBench, commercial: CommercialStandIn
) -> None:
    bench = make_bench(AWS_KEYS | {"aws_secret_access_key": "XP-CANARY-wrong"})
    answer = bench.invoke()
    assert (answer.status, answer.error["code"]) == (403, "InvalidSignatureException")
    assert posts(commercial) == 1
    assert "clockSkewSeconds" not in bench.records()[0]


def prove(bench: RouterBench, **event: object) -> dict[str, Any]:
    context = Context()
    deadline = Deadline.after(context.seconds)
    return dict(
        bench.tasks["prove_credential"]({"task": "prove_credential", **event}, context.aws_request_id, deadline)
    )


def test_a_version_is_proven_before_it_is_current(
    warm: RouterBench, commercial: CommercialStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    good = put_version(warm, {"bedrock_api_key": "XP-CANARY-new"}, "AWSPENDING")
    commercial.replace_credentials({"api_keys": [API_KEY, "XP-CANARY-new"]})
    found = prove(warm, versionId=good)
    assert (found["proven"], found["statusCode"], found["credentialVersion"]) == (True, 200, good)
    record = warm.records("ProveCredential")[0]
    assert (record["requestId"], record["credentialVersion"]) == (found["requestId"], good)

    bad = put_version(warm, {"bedrock_api_key": "XP-CANARY-wrong"}, "AWSPENDING")
    refused = prove(warm, versionId=bad)
    assert (refused["proven"], refused["statusCode"], refused["errorCode"]) == (False, 403, "AccessDeniedException")
    assert warm.records("ProveCredential")[1]["attempts"] == "1"  # no other credential stands in for it

    malformed = put_version(warm, {"bedrock_api_key": "XP CANARY"}, "AWSPENDING")
    assert prove(warm, versionId=malformed)["errorCode"] == "CredentialsMalformed"
    assert prove(warm, versionId="0" * 32)["errorCode"] == "CredentialsUnavailable"
    assert prove(warm, versionId=7)["errorCode"] == "InvalidParameter"
    assert prove(warm)["proven"]  # the one in service
    assert warm.invoke().status == 200
    printed = capsys.readouterr()
    assert "XP-CANARY" not in f"{found}{refused}{printed.out}{printed.err}{warm.records()}"
    assert '"message":"prove_credential"' in printed.out


def test_another_way_across_is_proven_before_a_switch(
    make_bench: MakeBench, commercial: CommercialStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the function in service, with its role, whatever it uses itself."""
    bench = make_bench({"bedrock_api_key": API_KEY} | AWS_KEYS)
    with ScriptedSts(commercial).running() as sts:
        bench.restart(AWS_ENDPOINT_URL_STS=sts.url, COMMERCIAL_STS_ENDPOINT_URL=sts.url)
        keys = prove(bench, credential={"mode": "aws_keys", "secretId": bench.secret})
        assert (keys["proven"], keys["authMode"]) == (True, "aws_keys")
        federation = {"mode": "federation", "roleArn": ROLE_ARN, "audience": AUDIENCE}
        session = prove(bench, credential=federation)
        assert (session["proven"], session["authMode"]) == (True, "federation")
        sts.faults["AssumeRoleWithWebIdentity"] = "AccessDenied"
        refused = prove(bench, credential=federation)
        assert (refused["proven"], refused["errorCode"]) == (False, "CredentialsUnavailable")
    assert "XP-CANARY" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "credential",
    [
        7,
        {},
        {"mode": "XP-CANARY"},
        {"mode": "federation"},
        {"mode": "federation", "roleArn": "arn:aws-us-gov:iam::123456789012:role/x", "audience": "a"},
        {"mode": "api_key", "secretId": ["XP-CANARY"]},
        {"mode": "aws_keys"},
    ],
)
def test_a_way_across_that_makes_no_sense_is_named(warm: RouterBench, credential: object) -> None:
    found = prove(warm, credential=credential)
    assert (found["proven"], found["errorCode"]) == (False, "InvalidParameter")
    assert "`credential" in found["message"]
    assert "XP-CANARY" not in found["message"]
    assert warm.records("ProveCredential") == []


def test_a_credential_for_a_region_that_the_policy_bars_is_not_proven(
    warm: RouterBench, commercial: CommercialStandIn
) -> None:
    """In service it would be refused at every call."""
    version = warm.under(policy(destinations={"regions": ["us-west-2"]}))
    commercial.log.clear()
    found = prove(warm)
    assert (found["proven"], found["statusCode"], found["errorCode"]) == (False, 403, "PolicyDenied")
    assert commercial.requests == []
    record = warm.records("ProveCredential")[-1]
    assert (record["state"], record["decisionRule"]) == ("DENIED", "destinations.regions")
    assert record["policyVersion"] == version


def test_without_a_policy_nothing_is_proven(warm: RouterBench, commercial: CommercialStandIn) -> None:
    warm.put_policy("no policy")
    warm.restart()
    commercial.log.clear()
    assert prove(warm)["errorCode"] == "PolicyUnavailable"
    assert commercial.requests == []


@pytest.mark.parametrize("secret", [{"bedrock_api_key": "XP-CANARY"}, SESSION_KEYS])
def test_nothing_shows_a_stored_credential(secret: dict[str, str]) -> None:
    """Neither a repr nor an exception's text, whatever part of it is wrong."""
    for mode in ("api_key", "aws_keys"):
        credential = parse_secret(json.dumps(secret), "us-east-1", mode, "version", 300, Clock())
        assert not [value for value in secret.values() if value in repr(credential)]
    for field in secret:
        with pytest.raises(CredentialsMalformedError) as raised:
            parse_secret(json.dumps(secret | {field: "XP-CANARY\n"}), "us-east-1", "api_key", "", 300, Clock())
        assert field in str(raised.value)
        assert "XP-CANARY" not in f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}"


def test_no_part_of_a_secret_is_logged_at_debug(
    make_bench: MakeBench, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for secret in ({"bedrock_api_key": "XP-CANARY-key"}, AWS_KEYS | {"aws_secret_access_key": "XP-CANARY-secret"}):
        bench = make_bench(secret)
        answers = [bench.invoke(), bench.call("GET", "/bedrock/models"), bench.call("GET", "/health")]
        assert {answer.status for answer in answers} <= {200, 403}
        printed = capsys.readouterr()
        own_log = [
            record.getMessage() for record in caplog.records if not record.name.startswith(("botocore", "werkzeug"))
        ]
        shown = f"{[answer.text for answer in answers]}{printed.out}{printed.err}{own_log}{bench.records()}"
        assert "XP-CANARY" not in shown
