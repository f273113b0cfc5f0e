"""Asynchronous invocations at the Commercial stand-in: StartAsyncInvoke, GetAsyncInvoke and ListAsyncInvokes.

Shapes and patterns are those of botocore's service model `bedrock-runtime`. Nothing is written to S3: an invocation is
InProgress for a minute of this side's clock, which tests move on, and then Completed, or Failed if its bucket is
FAILING_BUCKET. A repeated clientRequestToken starts nothing; with other parameters it is a ConflictException.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.commercial_catalogue import Catalogue
from tests.fakes.commercial_constraints import check_choice, check_present, check_tags, check_text, invalid
from tests.fakes.commercial_models import Model
from tests.fakes.commercial_paging import page_of
from tests.fakes.commercial_wire import BedrockError, Request, Response, ValidationError, json_of, json_response

DURATION = timedelta(seconds=60)
FAILING_BUCKET = "twin-no-such-bucket"
NOT_FOUND = "The specified async invocation could not be found."
_BUCKET_URI = re.compile(r"s3://([a-z0-9][.\-a-z0-9]{1,61}[a-z0-9])(/.*)?")
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Invocation:
    arn: str
    model_arn: str
    body: Mapping[str, Any]
    submitted_at: datetime

    def status(self, now: datetime) -> str:
        if now < self.submitted_at + DURATION:
            return "InProgress"
        bucket = _BUCKET_URI.fullmatch(self.body["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])
        return "Failed" if bucket and bucket[1] == FAILING_BUCKET else "Completed"

    def described(self, now: datetime) -> dict[str, Any]:
        """As GetAsyncInvoke and the list have it."""
        status = self.status(now)
        ended_at = self.submitted_at + DURATION
        token = {"clientRequestToken": self.body["clientRequestToken"]} if "clientRequestToken" in self.body else {}
        failed = {"failureMessage": "The specified bucket does not exist."} if status == "Failed" else {}
        ended = {} if status == "InProgress" else {"endTime": _iso(ended_at)}
        return {
            "invocationArn": self.arn,
            "modelArn": self.model_arn,
            **token,
            "status": status,
            **failed,
            "submitTime": _iso(self.submitted_at),
            "lastModifiedTime": _iso(ended_at if ended else self.submitted_at),
            **ended,
            "outputDataConfig": self.body["outputDataConfig"],
        }


class AsyncInvocations:
    """What was started, in that order."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lock = Lock()
        self._by_arn: dict[str, Invocation] = {}

    def start(self, request: Request) -> Response:
        body = json_of(request.body)
        model = self._check(body)
        region = self._catalogue.regions[0]
        with self._lock:
            if earlier := self._started_with(body.get("clientRequestToken")):
                if earlier.body != body:
                    sentence = "The clientRequestToken was used before with other parameters."
                    raise BedrockError(400, "ConflictException", sentence)
                return json_response({"invocationArn": earlier.arn})
            tag = hashlib.sha256(f"async-{len(self._by_arn)}".encode()).hexdigest()[:12]
            arn = f"arn:aws:bedrock:{region}:{self._catalogue.account}:async-invoke/{tag}"
            model_arn = f"arn:aws:bedrock:{region}::foundation-model/{model.id}"
            self._by_arn[arn] = Invocation(arn, model_arn, body, request.now())
        return json_response({"invocationArn": arn})

    def get(self, arn: str, request: Request) -> Response:
        if arn not in self._by_arn:
            # No ResourceNotFoundException: botocore's model of the operation has none.
            raise ValidationError(NOT_FOUND)
        return json_response(self._by_arn[arn].described(request.now()))

    def listed(self, request: Request) -> Response:
        """Newest first unless the query says otherwise."""
        wanted = dict(parse_qsl(request.query))
        check_choice(wanted, "statusEquals", ("InProgress", "Completed", "Failed"))
        check_choice(wanted, "sortBy", ("SubmissionTime",))
        check_choice(wanted, "sortOrder", ("Ascending", "Descending"))
        after, before = (_moment(wanted, name) for name in ("submitTimeAfter", "submitTimeBefore"))
        with self._lock:
            started = list(self._by_arn.values())
        if wanted.get("sortOrder") != "Ascending":
            started.reverse()
        now = request.now()
        found = [
            invocation.described(now)
            for invocation in started
            if wanted.get("statusEquals", "") in ("", invocation.status(now))
            and (after is None or invocation.submitted_at > after)
            and (before is None or invocation.submitted_at < before)
        ]
        return json_response(page_of(found, wanted, "asyncInvokeSummaries"))

    def tags(self, arn: str) -> list[dict[str, str]] | None:
        """The tags of an invocation; None if there is none such."""
        return list(self._by_arn[arn].body.get("tags", [])) if arn in self._by_arn else None

    def _started_with(self, token: str | None) -> Invocation | None:
        same = (one for one in self._by_arn.values() if token and one.body.get("clientRequestToken") == token)
        return next(same, None)

    def _check(self, body: Mapping[str, Any]) -> Model:
        check_present(body, "modelId", str)
        check_present(body, "modelInput", dict)
        match body.get("outputDataConfig"):
            case {"s3OutputDataConfig": {"s3Uri": str(uri)}} if _BUCKET_URI.fullmatch(uri):
                pass
            case _:
                raise invalid("outputDataConfig.s3OutputDataConfig.s3Uri", "Member must be the URI of an S3 location")
        check_text(body, "clientRequestToken", _TOKEN, 256)
        check_tags(body)
        model = self._catalogue.resolve(body["modelId"])
        if model.family != "video":
            raise ValidationError("The provided model doesn't support asynchronous invocation.")
        return model


def _moment(wanted: Mapping[str, str], name: str) -> datetime | None:
    if name not in wanted:
        return None
    try:
        moment = datetime.fromisoformat(wanted[name])
    except ValueError as error:
        raise invalid(name, "Member must be a timestamp") from error
    if moment.tzinfo is None:
        raise invalid(name, "Member must be a timestamp with a time zone")
    return moment


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
