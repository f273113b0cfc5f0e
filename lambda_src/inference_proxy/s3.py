"""One S3 bucket without an SDK: create an object where there is none, and read one.

boto3 would add 225 ms to a cold start. Follows PutObject and GetObject of the Amazon S3 API Reference, and "How to
prevent object overwrites with conditional writes" in the Amazon S3 User Guide.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

from inference_proxy.aws_service import AwsServiceError
from inference_proxy.clock import Clock
from inference_proxy.connection import DeadlineError, TransportError
from inference_proxy.models import Deadline
from inference_proxy.signing import Signer
from inference_proxy.transport import Transport

_MAX_OBJECT_BYTES = 64_000_000
_ERROR_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")
_EXISTS = "PreconditionFailed"
# Beside outages: two writers met at one key and neither has it yet; the body came too slowly.
_PASSING = frozenset({"ConditionalRequestConflict", "RequestTimeout"})


class S3Bucket:
    """A bucket at its URL, which names it in the host (``https://bucket.s3...``) or in the path (custom endpoints)."""

    def __init__(self, transport: Transport, url: str, signer: Signer, clock: Clock) -> None:
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._folder = parts.path
        self._transport = transport
        self._signer = signer
        self._clock = clock

    def create(self, key: str, body: bytes, deadline: Deadline) -> bool:
        """Store an object; False if there is one of that key already. Raises AwsServiceError, after one retry.

        A retry whose first try arrived all the same finds its own object: False then does not mean somebody else's.
        """
        headers = {
            "If-None-Match": "*",
            "Content-Type": "application/gzip",
            # A bucket with Object Lock takes no object without a checksum of its content.
            "x-amz-sdk-checksum-algorithm": "SHA256",
            "x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        }
        try:
            self._call("PutObject", "PUT", key, headers, body, deadline)
        except AwsServiceError as error:
            if error.code != _EXISTS:
                raise
            return False
        return True

    def read(self, key: str, deadline: Deadline) -> bytes:
        """An object's content; raises AwsServiceError, after one retry.

        The code of a missing one is NoSuchKey only for those who may list the bucket; for others it is AccessDenied.
        """
        return self._call("GetObject", "GET", key, {}, b"", deadline)

    def _call(
        self, operation: str, method: str, key: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> bytes:
        attempt = partial(self._attempt, operation, method, f"{self._folder}/{key}", headers, body, deadline)
        skew_seconds = self._clock.skew_seconds
        try:
            return attempt()
        except AwsServiceError as error:
            clock_corrected = self._clock.skew_seconds != skew_seconds
            if deadline.remaining_seconds() <= 0 or not (clock_corrected or error.outage or error.code in _PASSING):
                raise
        return attempt()

    def _attempt(
        self, operation: str, method: str, path: str, headers: Mapping[str, str], body: bytes, deadline: Deadline
    ) -> bytes:
        try:
            signed = self._signer.sign(method, self._origin + path, headers, body)
            reply = self._transport.send(self._origin, method, path, signed, body, deadline)
            content = reply.read(_MAX_OBJECT_BYTES)
        except DeadlineError:
            raise AwsServiceError("S3", operation, "DeadlineExceeded") from None
        except TransportError as error:
            raise AwsServiceError("S3", operation, f"Transport{type(error).__name__}") from error
        if reply.status == 200:
            return content
        named = _ERROR_CODE.search(content)
        code = named[1].decode() if named and reply.status < 500 else f"Http{reply.status}"
        self._clock.learn(code, reply.headers.get("date"))
        raise AwsServiceError("S3", operation, code)
