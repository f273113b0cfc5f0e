"""The log files of a folder or of an S3 location that can hold what Commercial saw in a range of days.

Layouts, of which only the date and the folders to leave out are used: ``AWSLogs/<account>/CloudTrail/<region>/
YYYY/MM/DD/`` ("Finding your CloudTrail log files" in the AWS CloudTrail User Guide) and ``AWSLogs/<account>/
BedrockModelInvocationLogs/<region>/YYYY/MM/DD/HH/``, where ``data/`` holds large bodies, which are prompts
("Monitor model invocation using CloudWatch Logs and Amazon S3" in the Amazon Bedrock User Guide).
"""

import gzip
import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from deployment import commercial_client

_LATEST_DELIVERY = timedelta(days=1)  # a file is named by the day of its delivery
_ENDINGS = (".json", ".json.gz")
_NO_LOGS = re.compile(r"/(data|CloudTrail-Digest|CloudTrail-Insight)/|permission-check")
_DAY = re.compile(r"/(\d{4})/(\d{2})/(\d{2})/")


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file on this machine, or an object in a bucket if ``bucket`` is named. The name is what it has below LOGS."""

    name: str
    path: Path | None = None
    s3: Any = None
    bucket: str = ""
    key: str = ""

    @contextmanager
    def open(self) -> Iterator[Iterable[bytes]]:
        """Its lines, decompressed as they are read. Raises OSError, EOFError or zlib.error for what cannot be read."""
        with closing(self.path.open("rb") if self.path else self._body()) as raw:
            if self.name.endswith(".gz"):
                with gzip.open(raw) as lines:
                    yield lines
            else:
                yield raw if self.path else raw.iter_lines()

    def _body(self) -> Any:
        return self.s3.get_object(Bucket=self.bucket, Key=self.key)["Body"]


def log_files(location: str, first: date, last: date) -> Iterator[LogFile]:
    """The files below a folder or an ``s3://bucket/prefix`` that may hold events of these days, in order of name.

    Raises FileNotFoundError for a folder that is not there, SystemExit without a profile for S3, botocore's errors.
    """
    for file in _in_bucket(location) if location.startswith("s3://") else _in_folder(Path(location)):
        path = f"/{file.name}"
        if path.endswith(_ENDINGS) and not _NO_LOGS.search(path) and _may_hold(path, first, last):
            yield file


def _may_hold(name: str, first: date, last: date) -> bool:
    found = _DAY.search(name)
    if not found:
        return True
    try:
        day = date(*map(int, found.groups()))
    except ValueError:
        return True  # some other number
    return first <= day <= last + _LATEST_DELIVERY


def _in_folder(folder: Path) -> Iterator[LogFile]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield LogFile(str(path.relative_to(folder)), path)


def _in_bucket(location: str) -> Iterator[LogFile]:
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    s3 = commercial_client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for listed in page.get("Contents", ()):
            key = listed["Key"]
            yield LogFile(key.removeprefix(prefix).lstrip("/"), s3=s3, bucket=bucket, key=key)
