"""What the router adds: a cold start in each mode, and a warm request, against servers that answer at once.

Usage: handler_time.py [ARTIFACT.zip]      default: the newest in .local/artifacts (`make package`)

Prints medians, and the warm time as a ratio to its floor: the same three exchanges (audit intent, Bedrock, audit
outcome) sent as raw bytes over kept connections in the same run. Trust the ratio; the milliseconds are this machine's.
"""

import contextlib
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
WARM_REQUESTS, COLD_STARTS = 1500, 7
POLICY = {
    "version": 1,
    "classifications": {"allowed": ["public"], "header": "X-Data-Classification"},
    "models": {"allow": ["*"]},
    "destinations": {"regions": ["us-*"]},
    "markings": {"mode": "block", "patterns": ["SECRET//*", "TOP SECRET//*", "CUI//*"]},
    "callers": [{"name": "everyone", "principals": ["*"], "classification": "public"}],
}
STORED = {"bedrock_api_key": "made-up", "aws_access_key_id": "made-up", "aws_secret_access_key": "made-up"}
# By what stands in a request's head; the first that does counts.
CANNED: dict[bytes, object] = {
    b"/sts/aws4_request": "<r><WebIdentityToken>e30.eyJqdGkiOiIxIn0.e30</WebIdentityToken></r>",
    b"x-www-form-urlencoded": "<r><AccessKeyId>made-up</AccessKeyId><SecretAccessKey>made-up</SecretAccessKey>"
    "<SessionToken>made-up</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></r>",
    b"DynamoDB_20120810.GetItem": {"Item": {"name": {"S": "boundary"}, "document": {"S": json.dumps(POLICY)}}},
    b"GetSecretValue": {"SecretString": json.dumps(STORED), "VersionId": "1"},
    b"/foundation-models": {"modelSummaries": [{"modelId": "a.model", "inferenceTypesSupported": ["ON_DEMAND"]}]},
    b"/inference-profiles": {"inferenceProfileSummaries": []},
    b"/model/": {"content": [{"type": "text", "text": "hello"}], "usage": {"output_tokens": 1}},
}
MODES = {
    "api_key": {"CREDENTIAL_SECRET_ID": "s"},
    "aws_keys": {"CREDENTIAL_SECRET_ID": "s"},
    "federation": {"CREDENTIAL_ROLE_ARN": "arn:aws:iam::123456789012:role/r", "CREDENTIAL_AUDIENCE": "a"},
}
COLD = """
import time; started = time.perf_counter()
import handler
imported = time.perf_counter()
import json, sys
class Context:
    aws_request_id = invoked_function_arn = "cold"
    get_remaining_time_in_millis = lambda self: 30_000
answer = handler.lambda_handler(json.loads(sys.argv[1]), Context())
served = time.perf_counter()
assert answer["statusCode"] == 200, answer
print((imported - started) * 1000, (served - imported) * 1000, file=sys.stderr)
"""
BARE = (
    "import time; started = time.perf_counter(); import json, sys; "
    "print((time.perf_counter() - started) * 1000, 0, file=sys.stderr)"
)


def serve(port_pipe: "multiprocessing.connection.Connection[int, int]") -> None:
    """DynamoDB, Secrets Manager and Bedrock in one: a canned answer the moment a request is complete."""
    listener = socket.create_server(("127.0.0.1", 0))
    port_pipe.send(listener.getsockname()[1])

    def answer(client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, client.makefile("rb") as lines:
            while head := b"".join(iter(lines.readline, b"\r\n")):
                lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                lines.read(int(lengths[0].split(b":")[1]) if lengths else 0)
                document = next((canned for mark, canned in CANNED.items() if mark in head), {})
                body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                client.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    while True:
        threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()


def floor_ms(port: int) -> list[float]:
    """Three raw exchanges a request, on two kept connections."""
    request = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n" + b"x" * 600
    aws, bedrock = (socket.create_connection(("127.0.0.1", port)) for _ in range(2))
    times = []
    with aws, bedrock:
        for _ in range(WARM_REQUESTS):
            started = time.perf_counter()
            for connection, target in ((aws, b"/"), (bedrock, b"/model/x"), (aws, b"/")):
                connection.sendall(request % target)
                while b"}" not in connection.recv(65536):
                    pass
            times.append((time.perf_counter() - started) * 1000)
    return times


class Context:
    """Lambda's context object."""

    aws_request_id = "benchmark"
    invoked_function_arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:router:live"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def api_event(number: int) -> dict[str, object]:
    """An event of API Gateway, with an id of its own."""
    envelope = {"modelId": "a.model", "body": {"messages": [{"role": "user", "content": "hello"}]}}
    return {
        "resource": "/bedrock/invoke-model",
        "httpMethod": "POST",
        "headers": {},
        "body": json.dumps(envelope),
        "requestContext": {"requestId": f"request-{number}", "identity": {"userArn": "arn:aws-us-gov:iam::1:user/b"}},
    }


def warm_ms() -> list[float]:
    """The handler itself, as Lambda's runtime client calls it."""
    times = []
    # Quiet before the import: the logger keeps the stream it finds.
    with Path(os.devnull).open("w") as quiet, contextlib.redirect_stdout(quiet):
        import handler

        for number in range(WARM_REQUESTS):
            event = api_event(number)
            started = time.perf_counter()
            answer = handler.lambda_handler(event, Context())
            times.append((time.perf_counter() - started) * 1000)
            if answer["statusCode"] != 200:
                raise SystemExit(answer["body"])
    return times[50:]


def percentiles(times: list[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    return f"p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms"


def cold_ms(folder: str, code: str, environ: dict[str, str]) -> tuple[float, float]:
    """Import and first request in a fresh process."""
    command = [sys.executable, "-c", code, json.dumps(api_event(0))]
    result = subprocess.run(command, cwd=folder, env=os.environ | environ, capture_output=True, text=True, check=True)
    imported, served = map(float, result.stderr.split())
    return imported, served


def main(artifact: Path) -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(sender,), daemon=True)
    server.start()
    port = receiver.recv()
    url = f"http://127.0.0.1:{port}"
    os.environ.update(
        AWS_REGION="us-gov-west-1",
        AWS_ACCESS_KEY_ID="made-up",
        AWS_SECRET_ACCESS_KEY="made-up",
        AWS_ENDPOINT_URL=url,
        AWS_ENDPOINT_URL_BEDROCK=url,
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME=url,
        AUDIT_TABLE_NAME="t",
        POLICY_TABLE_NAME="p",
        LIMITS_TABLE_NAME="l",
        USAGE_TABLE_NAME="u",
        COMMERCIAL_STS_ENDPOINT_URL=url,
        CREDENTIAL_SECRET_ID="s",
        POWERTOOLS_SERVICE_NAME="router",
        POWERTOOLS_METRICS_NAMESPACE="benchmark",
    )
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(artifact) as bundle:
            bundle.extractall(folder)
        print(f"Python {sys.version_info.major}.{sys.version_info.minor}, artifact {artifact.stat().st_size:,} bytes")
        runs: dict[str, list[tuple[float, float]]] = {"bare json": []} | {mode: [] for mode in MODES}
        for _ in range(COLD_STARTS):  # in turn: a slow stretch of the machine hits all
            runs["bare json"].append(cold_ms(folder, BARE, {}))
            for mode, variables in MODES.items():
                runs[mode].append(cold_ms(folder, COLD, {"CREDENTIAL_MODE": mode, **variables}))
        for name, times in runs.items():  # other processes can only add to it
            imported, served = (min(figures) for figures in zip(*times, strict=True))
            print(f"cold {name:<10}  import, connections opened {imported:4.0f} ms; first request {served:4.0f} ms")
        sys.path.insert(0, folder)
        warm, floor = warm_ms(), floor_ms(port)
    print(f"warm request: {percentiles(warm)}; floor: {percentiles(floor)}")
    print(f"ratio of the medians: {statistics.median(warm) / statistics.median(floor):.1f}")
    server.terminate()


if __name__ == "__main__":
    chosen = sys.argv[1:] or sorted(map(str, (REPOSITORY / ".local/artifacts").glob("router-*.zip")))
    if not chosen:
        sys.exit("no artifact: make package")
    main(Path(chosen[0]))
