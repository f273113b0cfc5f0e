"""HTTP in front of a router on the bench: what API Gateway's REST proxy makes of a request, without its signatures.

Stored pages disagree on whether API Gateway decodes a path before it looks for a resource, so it comes in both ways.
"""

import base64
import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote

import boto3

from tests.contract.background_server import BackgroundServer
from tests.contract.router_bench import OPENAPI, RouterBench, api_event, document_path


class GatewayFront(BackgroundServer):
    """``with GatewayFront(bench, decodes=...).running() as api: ... api.url``."""

    def __init__(self, bench: RouterBench, *, decodes: bool = False) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                rendered = bench.render(event(self.command, self.path, dict(self.headers.items()), body, decodes))
                text = rendered["body"]
                sent = base64.b64decode(text) if rendered["isBase64Encoded"] else text.encode()
                self.send_response_only(rendered["statusCode"])
                for name, value in rendered["headers"].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - names of the base class

            def log_message(self, *_arguments: object) -> None:
                pass

        super().__init__(Handler)

    def boto3_client(self) -> Any:
        """The AWS SDK's client for Bedrock Runtime, as a caller has it."""
        keys = {"aws_access_key_id": "AKIAMADEUP", "aws_secret_access_key": "made-up"}
        return boto3.client("bedrock-runtime", region_name="us-gov-west-1", endpoint_url=self.url, **keys)


def event(method: str, target: str, headers: dict[str, str], body: bytes, decodes: bool) -> dict[str, Any]:
    """The event of a REST API with Lambda proxy integration and ``*/*`` as binary media type."""
    spelled, _, query = target.partition("?")
    path = unquote(spelled) if decodes else spelled
    template, _ = document_path(path)
    pairs = parse_qsl(query, keep_blank_values=True)
    values = {name: [value for other, value in pairs if other == name] for name, _ in pairs}
    unknown = {"resource": "/{proxy+}", "pathParameters": {"proxy": path.lstrip("/")}}
    return {
        **api_event(method, path),
        **({} if template in OPENAPI["paths"] else unknown),
        "headers": headers,
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": values or None,
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def json_body(answer_body: bytes) -> Any:
    """A JSON answer, but for the id of its request."""
    document = json.loads(answer_body)
    if isinstance(document, dict) and "request_id" in document:
        document["request_id"] = "present"
    return document
