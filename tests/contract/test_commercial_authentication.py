"""Who may ask the Commercial stand-in: keys, signatures and clocks, with real signers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import botocore.auth
import pytest
import requests
from requests_aws4auth import AWS4Auth

from tests.contract.commercial_clients import (
    CLAUDE,
    MESSAGES,
    NOVA,
    NOVA_BODY,
    PROFILE_ARN,
    call,
    control,
    refusal,
    signed,
)
from tests.fakes import commercial_auth as made_up
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_sigv4 import MISMATCH


@pytest.mark.parametrize(
    "path", ["amazon.nova-lite-v1%3A0", NOVA, quote(PROFILE_ARN, safe=""), quote(PROFILE_ARN, safe=":")]
)
def test_requests_with_aws4auth_signs_what_arrives(commercial: CommercialStandIn, path: str) -> None:
    auth = AWS4Auth(made_up.ACCESS_KEY_ID, made_up.SECRET_ACCESS_KEY, "us-east-1", "bedrock")
    body = CLAUDE if "claude" in path else {"messages": MESSAGES}
    answer = requests.post(f"{commercial.url}/model/{path}/invoke", json=body, auth=auth, timeout=2)
    assert answer.status_code == 200, answer.text
    query = {"byProvider": "Amazon", "byOutputModality": "TEXT"}
    assert requests.get(f"{commercial.url}/foundation-models", query, auth=auth, timeout=2).ok


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"service": "execute-api"}, "InvalidSignatureException"),
        ({"region": "us-gov-west-1"}, "InvalidSignatureException"),
        ({"key": "AKIA-UNKNOWN"}, "UnrecognizedClientException"),
        ({"token": "superfluous"}, "UnrecognizedClientException"),
        ({"key": made_up.SESSION_ACCESS_KEY_ID}, "UnrecognizedClientException"),
        ({"key": made_up.SESSION_ACCESS_KEY_ID, "token": "wrong"}, "UnrecognizedClientException"),
    ],
)
def test_a_wrong_signer_is_refused(commercial: CommercialStandIn, change: dict[str, str], expected: str) -> None:
    assert call(commercial, headers=signed(commercial))[0] == 200
    assert refusal(call(commercial, headers=signed(commercial, **change)))[:2] == (403, expected)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_wrong_clock_is_refused(commercial: CommercialStandIn, minutes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhen = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: elsewhen)
    assert refusal(call(commercial, headers=signed(commercial)))[:2] == (403, "InvalidSignatureException")


def test_a_clock_that_is_ahead_refuses_and_says_the_time(commercial: CommercialStandIn) -> None:
    for offset, expected in ((1200, 403), (-1200, 403), (600, 200), (0, 200)):
        assert control(commercial, "PUT", "clock", {"offset_seconds": offset})[0] == 200
        assert control(commercial, "GET", "clock")[1] == {"offset_seconds": offset}
        status, headers, body = call(commercial, headers=signed(commercial))
        assert status == expected
        said = parsedate_to_datetime(headers["date"])
        assert abs((said - datetime.now(UTC)).total_seconds() - offset) < 3
        if status == 403:
            assert refusal((status, headers, body))[1] == "InvalidSignatureException"
    assert control(commercial, "PUT", "clock", {"seconds": 1})[0] == 400


def test_what_changes_after_signing_is_refused(commercial: CommercialStandIn) -> None:
    headers = signed(commercial)
    dateless = {name: value for name, value in headers.items() if name != "X-Amz-Date"}
    unsigned = {**headers, "Authorization": headers["Authorization"].split(", Signature")[0]}
    mismatch = (403, "InvalidSignatureException", MISMATCH)
    assert refusal(call(commercial, headers=headers, body=NOVA_BODY.replace(b"Say", b"Yas"))) == mismatch
    assert refusal(call(commercial, headers=headers, path="/model/amazon.nova-pro-v1:0/invoke")) == mismatch
    assert refusal(call(commercial, headers=headers, path=f"/model/{NOVA}/invoke?a=b")) == mismatch
    assert refusal(call(commercial, headers=dateless))[:2] == (400, "IncompleteSignatureException")
    assert refusal(call(commercial, headers=unsigned))[:2] == (400, "IncompleteSignatureException")
    assert refusal(call(commercial, headers={}))[:2] == (403, "MissingAuthenticationTokenException")
    assert refusal(call(commercial, headers={"Authorization": "Bearer wrong"}))[2].startswith("Authentication failed: ")
    commercial.inject("throttle")
    assert refusal(call(commercial, headers={}))[0] == 403, "a fault hid a missing signature"
    assert refusal(call(commercial))[0] == 429


def test_credentials_rotate_and_expire_while_it_runs(commercial: CommercialStandIn) -> None:
    key = {"access_key_id": "AKIA-ROTATED", "secret_access_key": "made-up-too"}
    document = {"api_keys": ["ABSK-rotated"], "access_keys": [{**key, "expires_at": "2199-01-01T00:00:00Z"}]}
    assert control(commercial, "PUT", "credentials", document)[0] == 200
    rotated = {"key": "AKIA-ROTATED", "secret": "made-up-too"}
    assert [call(commercial)[0], call(commercial, headers={"Authorization": "Bearer ABSK-rotated"})[0]] == [403, 200]
    assert call(commercial, headers=signed(commercial, **rotated))[0] == 200
    document["access_keys"] = [{**key, "expires_at": "2026-01-01T00:00:00Z"}]
    control(commercial, "PUT", "credentials", document)
    assert refusal(call(commercial, headers=signed(commercial, **rotated)))[:2] == (403, "ExpiredTokenException")
