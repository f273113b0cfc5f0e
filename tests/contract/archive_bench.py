"""An archive on a bench: the Lambda's writer and the operator's check, over real sockets to moto.

Between the writer and moto's S3 stands a server that stores one object at a time: moto's own check whether there is an
object already can be overtaken, S3's cannot. It fails as it is told, too. S3's clock there is that of the writers.
"""

import gzip
import http.client
import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from moto.s3.models import s3_backends

import verify_audit
from inference_proxy.archive_chain import ArchiveChain
from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.clock import Clock
from inference_proxy.models import Deadline, timestamp_ms
from inference_proxy.operations.archive import Archive
from inference_proxy.s3 import S3Bucket
from inference_proxy.settings import AwsKeys
from inference_proxy.signing import SigV4Signer
from inference_proxy.transport import Transport
from tests.contract.background_server import BackgroundServer
from tests.contract.router_bench import CALLER_ARN, REGION, create_key_table, create_table

RETENTION_DAYS = 913
KMS_KEY_ARN = f"arn:aws-us-gov:kms:{REGION}:123456789012:key/11111111-2222-4333-8444-555555555555"
TODAY = datetime.now(UTC).date()

StreamRecord = dict[str, Any]


class S3Front(BackgroundServer):
    """Forwards to moto, one request at a time; ``faults`` are used up by the next requests of a method."""

    def __init__(self, target_url: str, stored: Callable[[str], None]) -> None:
        """``stored`` is called with the key of each object that was."""
        self.faults: dict[str, list[str]] = {}
        self._stored = stored
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self._target = urlsplit(target_url).netloc
        self._lock = threading.Lock()
        super().__init__(self._handler())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                self._forward()

            def do_GET(self) -> None:
                self._forward()

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = dict(self.headers.items())
                outer.requests.append((self.command, self.path, headers))
                faults = outer.faults.get(self.command)
                fault = faults.pop(0) if faults else ""
                if fault == "reset":
                    self.close_connection = True
                elif fault and fault != "lost":
                    status = 409 if fault == "ConditionalRequestConflict" else 503 if fault == "SlowDown" else 403
                    self._answer(status, f"<Error><Code>{fault}</Code><Message>XP-CANARY</Message></Error>".encode())
                else:
                    status, answer = outer.forward(self.command, self.path, headers, body)
                    self.close_connection = fault == "lost"  # done, but the answer never arrives
                    if fault != "lost":
                        self._answer(status, answer)

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        return Handler

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        with self._lock:
            connection = http.client.HTTPConnection(self._target, timeout=10)
            try:
                connection.request(method, path, body, headers)
                response = connection.getresponse()
                if (method, response.status) == ("PUT", 200):
                    self._stored(path.split("/", 2)[2])
                return response.status, response.read()
            finally:
                connection.close()


class ArchiveBench:
    """A bucket with Object Lock, a head table and an audit table, all new; writers; the check."""

    def __init__(self, aws_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        name = f"archive-{uuid.uuid4().hex[:12]}"
        self.bucket, self.head_table, self.audit_table = name, f"{name}-head", f"{name}-requests"
        self.aws_url = aws_url
        options = {"region_name": REGION, "endpoint_url": aws_url}
        options |= {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        self.s3, self.dynamodb = boto3.client("s3", **options), boto3.client("dynamodb", **options)
        self._make_bucket()
        create_key_table(self.dynamodb, self.head_table, "chain")
        create_table(self.dynamodb, self.audit_table)
        self.clock = Clock()
        self.front = S3Front(aws_url, lambda key: self.date(key, self.clock.now()))
        self._capsys = capsys
        self._transports: list[Transport] = []
        self._outputs = folder / "outputs.json"
        self.configure()
        monkeypatch.setenv("INFRASTRUCTURE_OUTPUTS", str(self._outputs))
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws_url)

    def configure(self, **changes: Any) -> None:
        """What Terraform says of the archive, from now on with other settings than those it was written with."""
        archive = {
            "bucket": self.bucket,
            "table_name": self.head_table,
            "kms_key_arn": KMS_KEY_ARN,
            "retention": {"mode": "GOVERNANCE", "days": RETENTION_DAYS},
            **changes,
        }
        inputs = {"region": REGION, "audit_table_name": self.audit_table, "audit_archive": archive}
        self._outputs.write_text(json.dumps({"application_inputs": {"value": inputs}}))

    def _make_bucket(self) -> None:
        self.s3.create_bucket(
            Bucket=self.bucket,
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
        rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": RETENTION_DAYS}}
        lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
        self.s3.put_object_lock_configuration(Bucket=self.bucket, ObjectLockConfiguration=lock)
        encryption = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KMS_KEY_ARN}
        self.s3.put_bucket_encryption(
            Bucket=self.bucket,
            ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": encryption}]},
        )

    @contextmanager
    def running(self) -> Iterator["ArchiveBench"]:
        """Serves until the end of the ``with``."""
        with self.front.running():
            yield self
        for transport in self._transports:
            transport.close()

    def writer(self, dynamodb_url: str | None = None) -> Archive:
        """An execution environment of the function."""
        transport, keys = Transport(), AwsKeys("testing", "testing")
        self._transports.append(transport)

        def signer(service: str) -> SigV4Signer:
            return SigV4Signer(keys, REGION, service, Clock())

        url = dynamodb_url or self.aws_url
        dynamodb = AwsJsonClient(transport, url, signer("dynamodb"), self.clock, "DynamoDB_20120810", "1.0")
        bucket = S3Bucket(transport, f"{self.front.url}/{self.bucket}", signer("s3"), self.clock)
        return Archive(ArchiveChain(dynamodb, self.head_table, bucket, self.clock))

    def on(self, day: date, hour: int = 12) -> None:
        """Let it be that day for the writers."""
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        self.clock.skew_seconds = round((moment - datetime.now(UTC)).total_seconds())

    def begin(self, request_id: str, state: str = "STARTED") -> StreamRecord:
        """Put a record into the table, as the router does now; what the stream says of it."""
        timestamp = timestamp_ms(self.clock.now())
        item = {
            "requestId": {"S": request_id},
            "timestamp": {"S": timestamp},
            "timeKey": {"S": f"{timestamp}#{request_id}"},
            "dayShard": {"S": f"{timestamp[:10]}#0"},
            "outcomeDayShard": {"S": f"{state}#{timestamp[:10]}#0"},
            "callerArn": {"S": CALLER_ARN},
            "ttl": {"N": str(int((datetime.now(UTC) + timedelta(days=30)).timestamp()))},
            "state": {"S": state},
            "requestSize": {"N": "1234"},
        }
        self.dynamodb.put_item(TableName=self.audit_table, Item=item)
        return stream_record("INSERT", item)

    def change(self, record: StreamRecord, state: str = "COMPLETED", **attributes: dict[str, str]) -> StreamRecord:
        """Write an outcome, or whatever else; what the stream says of it."""
        begun = record["dynamodb"]["NewImage"]
        found_as = {"COMPLETED": "SUCCESS", "FAILED": "ERROR"}.get(state, state)
        outcome = {
            "state": {"S": state},
            "outcomeDayShard": {"S": f"{found_as}#{begun['dayShard']['S']}"},
            "latency": {"N": "321"},
        }
        if state == "ABANDONED":
            outcome["closedAt"] = {"S": datetime.now(UTC).isoformat().replace("+00:00", "Z")}
        item = begun | outcome | attributes
        self.dynamodb.put_item(TableName=self.audit_table, Item=item)
        return stream_record("MODIFY", item)

    def delete(self, record: StreamRecord) -> StreamRecord:
        """Delete a record from the table; what the stream says of it."""
        item = record["dynamodb"]["NewImage"]
        key = {name: item[name] for name in ("requestId", "timestamp")}
        self.dynamodb.delete_item(TableName=self.audit_table, Key=key)
        return stream_record("REMOVE", item)

    def crossings(self, *names: str) -> list[StreamRecord]:
        """Some requests from beginning to end: their changes, as the stream has them."""
        begun = [self.begin(name) for name in names]
        return begun + [self.change(record) for record in begun]

    def fill(self, *days: date, batches: int = 3) -> None:
        """An honest archive: on each day some batches of two requests each."""
        writer, numbers = self.writer(), itertools.count()
        for day in days:
            self.on(day)
            for _ in range(batches):
                append(writer, self.crossings(f"r{next(numbers)}", f"r{next(numbers)}"))

    def verify(self, first: date, last: date) -> tuple[int, list[str]]:
        """Run the check: its exit code and what it printed."""
        self._capsys.readouterr()
        code = verify_audit.main(["env", first.isoformat(), last.isoformat()])
        return code, self._capsys.readouterr().out.splitlines()

    def keys(self) -> list[str]:
        """The keys of all objects."""
        return [version["Key"] for version in self.s3.list_object_versions(Bucket=self.bucket)["Versions"]]

    def lines(self, key: str) -> list[bytes]:
        """An object's lines."""
        return gzip.decompress(self.read(key)).splitlines(keepends=True)

    def read(self, key: str) -> bytes:
        """An object as it is stored."""
        content: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def remove(self, *keys: str) -> None:
        """Take objects away without a trace, as nobody can while they are locked."""
        for version in self.s3.list_object_versions(Bucket=self.bucket)["Versions"]:
            if version["Key"] in keys:
                self.s3.delete_object(
                    Bucket=self.bucket,
                    Key=version["Key"],
                    VersionId=version["VersionId"],
                    BypassGovernanceRetention=True,
                )

    def forge(self, key: str, content: bytes | Sequence[bytes]) -> None:
        """Put another content in an object's place, without a trace, as S3 itself could; lines are packed."""
        body = content if isinstance(content, bytes) else gzip.compress(b"".join(content))
        stored_at = self.stored_at(key) if self._stored(key) else self.clock.now()
        self.remove(key)
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, ChecksumAlgorithm="SHA256")
        self.date(key, stored_at)

    def date(self, key: str, moment: datetime) -> None:
        """Let S3 have stored an object then, and have locked it then."""
        stored = self._stored(key)[-1]
        stored.last_modified = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)  # as moto has it
        self.lock(key, moment + timedelta(days=RETENTION_DAYS))

    def stored_at(self, key: str) -> datetime:
        """Since when S3 has an object."""
        moment: datetime = self._stored(key)[-1].last_modified
        return moment.replace(tzinfo=UTC)

    def lock(self, key: str, until: datetime) -> None:
        """Lock an object until then, as only who may bypass the lock can if that is sooner."""
        self._stored(key)[-1].lock_until = f"{until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    def _stored(self, key: str) -> list[Any]:
        """What moto, which runs in this process, has under a key, oldest first."""
        (bucket,) = (
            backend.buckets[self.bucket]
            for backends in s3_backends.values()
            for backend in backends.values()
            if self.bucket in backend.buckets
        )
        return list(bucket.keys.getlist(key, []))


def stream_record(event: str, item: dict[str, Any], **members: Any) -> StreamRecord:
    """A record of the stream, as Lambda gets it."""
    image = "OldImage" if event == "REMOVE" else "NewImage"
    return {"eventID": uuid.uuid4().hex, "eventName": event, "dynamodb": {image: item}, **members}


def append(writer: Archive, records: Sequence[StreamRecord], seconds: float = 20.0) -> dict[str, object]:
    """Deliver a batch."""
    return writer.append({"Records": list(records)}, Deadline.after(seconds))


def side_by_side(writers: Sequence[Archive], batches: Sequence[Sequence[StreamRecord]]) -> None:
    """Deliver batches to writers, all at once."""
    with ThreadPoolExecutor(len(writers)) as pool:
        list(pool.map(append, writers, batches))
