"""Both STS of the twin, with plain boto3 clients: GovCloud's signs an identity, Commercial's believes nothing else."""

from __future__ import annotations

import base64
import hmac
import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.accounts import COMMERCIAL_ID, GOVCLOUD_ID, Accounts, Keys
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.own_issuer import EMPTY_HOST, OWN_HOST, SILENT_HOST, KeyRelay, decoded, encoded, forged, own_token

AUDIENCE = "https://bedrock.twin.invalid"
ROLE_ARN = f"arn:aws:iam::{COMMERCIAL_ID}:role/bedrock"


class World:
    """Both accounts with a role on either side, federated."""

    def __init__(self, accounts: Accounts) -> None:
        self.govcloud, self.commercial, self.identities = accounts.govcloud, accounts.commercial, accounts.identities
        self.gov_iam, self.iam = self.govcloud.client("iam"), self.commercial.client("iam")
        self.issuer = self.gov_iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
        self.host = self.issuer.removeprefix("https://")
        limits = {
            "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": AUDIENCE},
            "NumericLessThanEquals": {"sts:DurationSeconds": 300},
        }
        self.router = self._gov_role("router", limits)
        self.elliptic = self._gov_role("elliptic", {"StringEquals": {"sts:SigningAlgorithm": "ES384"}})
        self.loose = self._gov_role("loose", {})
        providers = {self.host: self.issuer, OWN_HOST: f"https://{OWN_HOST}"}
        for host in (SILENT_HOST, EMPTY_HOST):
            providers[host] = f"https://{host}"
        for url in providers.values():
            self.iam.create_open_id_connect_provider(Url=url, ClientIDList=[AUDIENCE])
        router_arn = f"arn:aws:iam::{GOVCLOUD_ID}:role/service/router"
        trust = [self._trust(self.host, router_arn), self._trust(OWN_HOST, "somebody")]
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        self.iam.create_role(RoleName="bedrock", AssumeRolePolicyDocument=document)
        nova = allow("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-*")
        self.iam.put_role_policy(RoleName="bedrock", PolicyName="invoke", PolicyDocument=nova)

    def _trust(self, host: str, subject: str) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{COMMERCIAL_ID}:oidc-provider/{host}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{host}:aud": AUDIENCE, f"{host}:sub": subject}},
        }

    def _gov_role(self, name: str, conditions: Mapping[str, Any]) -> Keys:
        """The keys of a session of a new role that may ask for tokens."""
        statement = {"Effect": "Allow", "Principal": {"AWS": GOVCLOUD_ID}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": statement})
        self.gov_iam.create_role(
            RoleName=name, Path="/service/", AssumeRolePolicyDocument=document, Tags=[{"Key": "Team", "Value": "x"}]
        )
        policy = allow("sts:GetWebIdentityToken", "*", conditions)
        self.gov_iam.put_role_policy(RoleName=name, PolicyName="token", PolicyDocument=policy)
        arn = f"arn:aws:iam::{GOVCLOUD_ID}:role/service/{name}"
        sts = self.govcloud.client("sts")
        session = sts.assume_role(RoleArn=arn, RoleSessionName="a-function", DurationSeconds=900)["Credentials"]
        return session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]

    def token(self, keys: Keys | None = None, algorithm: str = "ES384", **arguments: Any) -> str:
        sts = self.govcloud.client("sts", keys or self.router)
        wanted = {"Audience": [AUDIENCE], "SigningAlgorithm": algorithm, **arguments}
        return str(sts.get_web_identity_token(**wanted)["WebIdentityToken"])

    def exchange(self, token: str, **arguments: Any) -> dict[str, Any]:
        wanted = {"RoleArn": ROLE_ARN, "RoleSessionName": "router", "WebIdentityToken": token, **arguments}
        answer: dict[str, Any] = self.commercial.unsigned_sts().assume_role_with_web_identity(**wanted)
        return answer


def allow(action: str, resource: str, conditions: Mapping[str, Any] | None = None) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": conditions or {}}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with KeyRelay() as relay:
        Thread(target=relay.serve_forever, daemon=True).start()
        with Accounts(tmp_path_factory.mktemp("accounts"), relay.url) as accounts:
            relay.govcloud_url = accounts.govcloud.url
            yield World(accounts)
        relay.shutdown()


def refusal(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    error, metadata = caught.value.response["Error"], caught.value.response["ResponseMetadata"]
    return error["Code"], metadata["HTTPStatusCode"], error["Message"]


# GovCloud: what it signs


def test_the_feature_is_off_until_it_is_enabled_and_after_it_is_disabled(world: World) -> None:
    info = world.gov_iam.get_outbound_web_identity_federation_info()
    assert (info["IssuerIdentifier"], info["JwtVendingEnabled"]) == (world.issuer, True)
    assert refusal(world.gov_iam.enable_outbound_web_identity_federation)[:2] == ("FeatureEnabled", 409)
    world.gov_iam.disable_outbound_web_identity_federation()
    try:
        for call in ("get_outbound_web_identity_federation_info", "disable_outbound_web_identity_federation"):
            assert refusal(getattr(world.gov_iam, call))[:2] == ("FeatureDisabled", 404)
        expected = ("OutboundWebIdentityFederationDisabledException", 403)
        assert refusal(world.token)[:2] == expected
    finally:
        again = world.gov_iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
    assert again == world.issuer


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_a_token_names_the_role_and_not_the_session(world: World, algorithm: str) -> None:
    tags = [{"Key": "job", "Value": "1"}]
    denied = refusal(world.token, world.loose, algorithm, Tags=tags)
    assert denied[:2] == ("AccessDenied", 403)
    assert "sts:TagGetWebIdentityToken" in denied[2]
    header, claims = (decoded(part) for part in world.token(world.loose, algorithm).split(".")[:2])
    assert (header["alg"], header["typ"]) == (algorithm, "JWT")
    assert claims["sub"] == f"arn:aws:iam::{GOVCLOUD_ID}:role/service/loose"
    assert (claims["iss"], claims["aud"], claims["exp"] - claims["iat"]) == (world.issuer, AUDIENCE, 300)
    assert claims["https://sts.amazonaws.com/"] == {
        "aws_account": GOVCLOUD_ID,
        "source_region": "us-gov-west-1",
        "principal_tags": {"Team": "x"},
    }
    assert len({claims["jti"], decoded(world.token(world.loose).split(".")[1])["jti"]}) == 2
    with urllib.request.urlopen(f"{world.govcloud.url}/_aws/oidc/{world.host}/.well-known/jwks.json") as reply:
        assert header["kid"] in [key["kid"] for key in json.load(reply)["keys"]]


def test_iam_limits_audience_duration_and_algorithm(world: World) -> None:
    assert world.token(DurationSeconds=60)
    for wrong in ({"Audience": ["other"]}, {"Audience": [AUDIENCE, "other"]}, {"DurationSeconds": 301}):
        assert refusal(world.token, **wrong)[:2] == ("AccessDenied", 403)
    assert world.token(world.elliptic)
    assert refusal(world.token, world.elliptic, "RS256")[:2] == ("AccessDenied", 403)
    assert refusal(world.token, world.loose, "HS256")[:2] == ("ValidationError", 400)
    outlives = refusal(world.token, world.loose, DurationSeconds=3600)
    assert outlives[:2] == ("SessionDurationEscalationException", 403)


# Commercial: what it believes


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_a_token_of_govcloud_becomes_a_session_whatever_its_algorithm(world: World, algorithm: str) -> None:
    answer = world.exchange(world.token(algorithm=algorithm), DurationSeconds=900)
    assert answer["SubjectFromWebIdentityToken"] == f"arn:aws:iam::{GOVCLOUD_ID}:role/service/router"
    assert answer["Audience"] == AUDIENCE
    assert answer["Provider"] == f"arn:aws:iam::{COMMERCIAL_ID}:oidc-provider/{world.host}"
    assert 890 < answer["Credentials"]["Expiration"].timestamp() - time.time() <= 901
    arn = f"arn:aws:sts::{COMMERCIAL_ID}:assumed-role/bedrock/router"
    assert answer["AssumedRoleUser"]["Arn"] == arn
    assert world.commercial.client("sts", keys_of(answer)).get_caller_identity()["Arn"] == arn


def keys_of(answer: Mapping[str, Any]) -> Keys:
    return tuple(answer["Credentials"][name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))


def test_a_session_calls_bedrock_within_its_roles_permissions(world: World) -> None:
    session = keys_of(world.exchange(world.token()))
    with CommercialStandIn(credentials={}, account=world.identities) as bedrock:

        def converse(model: str, keys: Keys) -> Any:
            elsewhere = type(world.commercial)("", COMMERCIAL_ID, "us-east-1", bedrock.port)
            messages = [{"role": "user", "content": [{"text": "Hi"}]}]
            return elsewhere.client("bedrock-runtime", keys).converse(modelId=model, messages=messages)

        assert converse("amazon.nova-lite-v1:0", session)["stopReason"] == "end_turn"
        denied = refusal(converse, "openai.gpt-oss-20b-1:0", session)
        arn = f"arn:aws:sts::{COMMERCIAL_ID}:assumed-role/bedrock/router"
        resource = "arn:aws:bedrock:us-east-1::foundation-model/openai.gpt-oss-20b-1:0"
        sentence = f"User: {arn} is not authorized to perform: bedrock:InvokeModel on resource: {resource} because"
        sentence += " no identity-based policy allows the bedrock:InvokeModel action"
        assert denied == ("AccessDeniedException", 403, sentence)
        wrong_secret, wrong_token = (session[0], "wrong", session[2]), (*session[:2], "wrong")
        nova = "amazon.nova-lite-v1:0"
        assert refusal(converse, nova, wrong_secret)[:2] == ("InvalidSignatureException", 403)
        for keys in (wrong_token, session[:2], world.router, world.govcloud.root, ("test", "test")):
            assert refusal(converse, nova, keys)[:2] == ("UnrecognizedClientException", 403)
        assert [entry["status"] for entry in bedrock.requests] == [200, *[403] * 7]
        assert [entry["principal"] for entry in bedrock.requests] == [arn] * 5 + [None] * 3
        assert bedrock.requests[0]["credential"] == session[0][-4:]


def test_credentials_of_one_account_are_unknown_in_the_other(world: World) -> None:
    session = keys_of(world.exchange(world.token()))
    for account, keys in ((world.commercial, world.router), (world.govcloud, session)):
        assert refusal(account.client("sts", keys).get_caller_identity)[:2] == ("InvalidClientTokenId", 403)


def test_a_token_that_is_not_what_it_says_is_refused(world: World) -> None:
    """Every way to sign without the issuer's key."""
    header, claims, signature = world.token().split(".")
    other = {**decoded(claims), "exp": int(time.time()) + 9999}
    with urllib.request.urlopen(f"{world.govcloud.url}/_aws/oidc/{world.host}/.well-known/jwks.json") as reply:
        published = next(key for key in json.load(reply)["keys"] if key["kty"] == "RSA")
    n, e = (int.from_bytes(base64.urlsafe_b64decode(published[name] + "==")) for name in ("n", "e"))
    pem = rsa.RSAPublicNumbers(e, n).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    named = {"typ": "JWT", "kid": published["kid"]}
    flipped = ("A" if signature[40] != "A" else "B").join((signature[:40], signature[41:]))
    wrong = {
        "tampered signature": f"{header}.{claims}.{flipped}",
        "tampered claims": f"{header}.{encoded(other)}.{signature}",
        "no signature": f"{encoded({**named, 'alg': 'none'})}.{claims}.",
        "the public key as a password": forged(
            decoded(claims), {**named, "alg": "HS256"}, lambda data: hmac.digest(pem, data, "sha256")
        ),
        "somebody else's key": forged(decoded(claims), {**named, "alg": "RS256"}),
        "a key of another algorithm": forged(decoded(claims), {**decoded(header), "alg": "RS256"}),
        "a key nobody has": forged(decoded(claims), {**named, "alg": "RS256", "kid": "own"}),
        "no token": "not-a-token",
    }
    answers = {name: refusal(world.exchange, token)[:2] for name, token in wrong.items()}
    assert answers == dict.fromkeys(wrong, ("InvalidIdentityToken", 400))


def test_an_unknown_issuer_or_audience_is_refused(world: World) -> None:
    unknown = refusal(world.exchange, own_token(AUDIENCE, iss="https://nobody.twin.invalid"))
    sentence = "No OpenIDConnect provider found in your account for https://nobody.twin.invalid"
    assert unknown == ("InvalidIdentityToken", 400, sentence)
    for audience in (["other"], [AUDIENCE, "other"]):
        answer = refusal(world.exchange, world.token(world.loose, Audience=audience))
        assert answer == ("InvalidIdentityToken", 400, "Incorrect token audience")


def test_a_token_of_another_time_is_refused(world: World) -> None:
    now = int(time.time())
    assert world.exchange(own_token(AUDIENCE))
    expired = refusal(world.exchange, own_token(AUDIENCE, iat=now - 600, exp=now - 300))
    assert expired[:2] == ("ExpiredTokenException", 400)
    for changes in ({"iat": now + 600}, {"nbf": now + 600}, {"exp": None}, {"sub": None}):
        assert refusal(world.exchange, own_token(AUDIENCE, **changes))[:2] == ("InvalidIdentityToken", 400), changes


def test_the_trust_policy_decides_by_subject_and_the_role_by_duration(world: World) -> None:
    denied = ("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    assert refusal(world.exchange, world.token(world.loose)) == denied
    assert refusal(world.exchange, own_token(AUDIENCE, sub="somebody-else")) == denied
    assert refusal(world.exchange, own_token(AUDIENCE), RoleArn=ROLE_ARN + uuid4().hex) == denied
    too_long = refusal(world.exchange, own_token(AUDIENCE), DurationSeconds=3601)
    assert too_long[:2] == ("ValidationError", 400)
    assert "MaxSessionDuration" in too_long[2]


def test_an_issuer_that_cannot_be_asked_is_an_error_of_its_own(world: World) -> None:
    silent = refusal(world.exchange, own_token(AUDIENCE, iss=f"https://{SILENT_HOST}"))
    assert silent == ("IDPCommunicationError", 400, "Error communicating to IdP")
    empty = refusal(world.exchange, own_token(AUDIENCE, iss=f"https://{EMPTY_HOST}"))
    assert empty[:2] == ("InvalidIdentityToken", 400)
    assert empty[2].startswith("Couldn't retrieve verification key")
