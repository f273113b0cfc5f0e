"""Clients of the Commercial stand-in, for its own tests: boto3, plain HTTP with any headers, and a bare socket."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
from collections.abc import Mapping
from typing import Any
from unittest import mock

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.fakes import commercial_auth as made_up
from tests.fakes.commercial import CommercialStandIn

NOVA, HAIKU = "amazon.nova-lite-v1:0", "anthropic.claude-haiku-4-5-20251001-v1:0"
IMAGE, LLAMA = "amazon.twin-made-up-image-v1:0", "meta.llama4-scout-17b-instruct-v1:0"
GPT_OSS, GPT = "openai.gpt-oss-20b-1:0", "openai.gpt-5.6-luna"
EMBEDDING, VIDEO = "amazon.titan-embed-text-v2:0", "amazon.twin-made-up-video-v1:0"
GATED = "amazon.twin-made-up-gated-v1:0"
ARN = "arn:aws:bedrock:us-east-1:111122223333"
PROFILE_ARN = f"{ARN}:inference-profile/us.{HAIKU}"
MODEL_ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{NOVA}"
MESSAGES = [{"role": "user", "content": [{"text": "Say nothing of this"}]}]
CHAT = [{"role": "user", "content": "Hi"}]
CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": CHAT}
NOVA_BODY = json.dumps({"messages": MESSAGES}).encode()
BEARER = {"Authorization": f"Bearer {made_up.API_KEY}"}
# The ways to sign in that `boto` knows.
AUTHS = ("bearer", "sigv4", "session")
Answer = tuple[int, dict[str, str], bytes]


def boto(stand_in: CommercialStandIn, service: str, auth: str = "sigv4") -> Any:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=2)
    if auth == "bearer":
        secure = stand_in.url.replace("http:", "https:")
        with mock.patch.dict(os.environ, {"AWS_BEARER_TOKEN_BEDROCK": made_up.API_KEY}):
            by_key = config.merge(Config(signature_version="bearer"))
            client = boto3.client(service, "us-east-1", endpoint_url=secure, config=by_key)

        # botocore refuses to build a bearer request for plain HTTP: it is built for HTTPS and goes out without.
        def downgrade(request: Any, **_: Any) -> None:
            request.url = request.url.replace("https:", "http:")

        client.meta.events.register("before-send", downgrade)
        return client
    keys = {
        "sigv4": (made_up.ACCESS_KEY_ID, made_up.SECRET_ACCESS_KEY),
        "session": (made_up.SESSION_ACCESS_KEY_ID, made_up.SECRET_ACCESS_KEY, made_up.SESSION_TOKEN),
    }[auth]
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    credentials = dict(zip(names, keys, strict=False))
    return boto3.client(service, "us-east-1", endpoint_url=stand_in.url, config=config, **credentials)


def call(
    stand_in: CommercialStandIn,
    method: str = "POST",
    path: str = f"/model/{NOVA}/invoke",
    body: bytes | Mapping[str, Any] = NOVA_BODY,
    headers: Mapping[str, str] = BEARER,
) -> Answer:
    """Status, headers by lower-case name, and body."""
    connection = http.client.HTTPConnection("127.0.0.1", stand_in.port, timeout=2)
    try:
        connection.request(method, path, body if isinstance(body, bytes) else json.dumps(body), dict(headers))
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def refusal(answer: Answer) -> tuple[int, str, str]:
    """Status, error type and message of an error in Bedrock's shape."""
    status, headers, body = answer
    document = json.loads(body)
    return status, headers["x-amzn-errortype"].split(":")[0], document.get("message") or document["Message"]


def control(stand_in: CommercialStandIn, method: str, name: str, document: Any = None) -> tuple[int, Any]:
    body = b"" if document is None else json.dumps(document).encode()
    status, _, answer = call(stand_in, method, f"/_twin/{name}", body, {})
    return status, json.loads(answer)


def signed(
    stand_in: CommercialStandIn, service: str = "bedrock", region: str = "us-east-1", **keys: str
) -> dict[str, str]:
    """The headers of a call by SigV4 that invokes Nova with NOVA_BODY."""
    names = {"key": made_up.ACCESS_KEY_ID, "secret": made_up.SECRET_ACCESS_KEY, "token": None, **keys}
    request = AWSRequest("POST", f"{stand_in.url}/model/{NOVA}/invoke", data=NOVA_BODY)
    signer = SigV4Auth(Credentials(names["key"], names["secret"], names["token"]), service, region)
    signer.add_auth(request)
    return dict(request.headers)


def raw(stand_in: CommercialStandIn, path: str = f"/model/{NOVA}/invoke", body: bytes = NOVA_BODY) -> socket.socket:
    """A socket on which a request was just sent."""
    client = socket.create_connection(("127.0.0.1", stand_in.port), timeout=2)
    head = [f"POST {path} HTTP/1.1", f"Authorization: {BEARER['Authorization']}", f"Content-Length: {len(body)}"]
    client.sendall("\r\n".join([*head, "", ""]).encode() + body)
    return client


def read_to_end(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65_536), b""))


def sentence(prompt: str) -> str:
    """How the answer to a prompt ends."""
    return f"begins with {hashlib.sha256(prompt.encode()).hexdigest()[:8]}."
