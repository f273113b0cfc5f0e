"""A router that is asked again and again under one policy after another: after each request, what came of it.

Every request is rehearsed first: POST /bedrock/explain must say the same, and send nothing of it.
"""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.contract.router_bench import CALLER_ARN, Answer, RouterBench, api_event, check_against_document
from tests.fakes.commercial import CommercialStandIn
from tests.fakes.commercial_auth import API_KEY

CANARY = "XP-CANARY"  # in all that a request carries, and in nothing else
REFUSED = (403, 429, 503)
_LISTS = ("/foundation-models", "/inference-profiles?")

Headers = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Sent:
    """One request of a caller's, before it is decided."""

    method: str
    path: str
    body: bytes
    headers: Headers
    query: Mapping[str, str] | None = None
    caller_arn: str = CALLER_ARN

    @property
    def event(self) -> dict[str, Any]:
        """As API Gateway hands it over: names of headers as they were written, each with all of its values."""
        fields = {name: [value] if isinstance(value, str) else list(value) for name, value in self.headers.items()}
        event = api_event(self.method, self.path, self.body, self.query)
        event["requestContext"]["identity"]["userArn"] = self.caller_arn
        event["headers"] = {name: values[-1] for name, values in fields.items()}
        event["multiValueHeaders"] = fields
        return event

    @property
    def described(self) -> dict[str, Any]:
        """The same for a dry run."""
        return {
            "method": self.method,
            "path": self.path,
            "headers": {name: value if isinstance(value, str) else list(value) for name, value in self.headers.items()},
            "query": self.query,
            "body": base64.b64encode(self.body).decode(),
            "isBase64Encoded": True,
        }


@dataclass(frozen=True)
class Decided:
    """What came of a request."""

    answer: Answer
    record: dict[str, Any] | None  # None: it was no request that could be decided
    posts: list[dict[str, Any]]  # what reached Commercial

    @property
    def rule(self) -> str | None:
        """The rule that decided."""
        return self.record and self.record["decisionRule"]

    @property
    def verdict(self) -> str | None:
        """ALLOW or DENY."""
        return self.record and self.record["decision"]


class DecisionBench(RouterBench):
    """A router and its own Commercial."""

    def __init__(self, aws_url: str, commercial: CommercialStandIn) -> None:
        self.commercial = commercial
        self._document: Mapping[str, Any] | str | None = None
        super().__init__(aws_url, commercial.url, {"bedrock_api_key": API_KEY, "region": "us-east-1"})

    @classmethod
    @contextlib.contextmanager
    def running(cls, aws_url: str) -> Iterator["DecisionBench"]:
        """A bench for a whole module."""
        with CommercialStandIn() as commercial:
            bench = cls(aws_url, commercial)
            yield bench
            bench.close()

    def put_policy(self, document: Mapping[str, Any] | str) -> str:
        self._document = document
        return super().put_policy(document)

    def under(self, document: Mapping[str, Any] | str) -> str:
        """As the bench does it, unless it is the policy in force."""
        current = self.policies.current
        if document == self._document and current:
            return str(current.version)
        return super().under(document)

    def decide(self, sent: Sent) -> Decided:
        """The same of one request."""
        return self.decide_all([sent])[0]

    def decide_all(self, requests: Sequence[Sent]) -> list[Decided]:
        """Rehearse and send requests, and check what has to hold for any.

        What is refused has not been sent; what is allowed has been, once. The one record of it says so, names the rule
        and the policy, and holds no text of it; so does the answer of a refusal.
        """
        rehearsed = [self._rehearsed(sent) for sent in requests]
        answered = [self._answered(sent) for sent in requests]
        records = self._taken_records()
        decided = [Decided(answer, records.get(answer.headers["X-Request-ID"]), posts) for answer, posts in answered]
        for said, each in zip(rehearsed, decided, strict=True):
            self._check(each)
            self._compare(said, each)
        return decided

    def _rehearsed(self, sent: Sent) -> dict[str, Any]:
        self.commercial.log.clear()
        event = api_event("POST", "/bedrock/explain", sent.described)
        event["requestContext"]["identity"]["userArn"] = sent.caller_arn
        rendered = self.render(event)
        assert rendered["statusCode"] == 200, rendered["body"]
        for request in self.commercial.requests:  # Bedrock's lists may have been read
            assert (request["method"], request["bodyLength"]) == ("GET", 0)
            assert request["path"].startswith(_LISTS)
            assert CANARY not in json.dumps(request)
        return dict(json.loads(rendered["body"]))

    def _answered(self, sent: Sent) -> tuple[Answer, list[dict[str, Any]]]:
        """The answer to a request, and what reached Commercial for it."""
        self.commercial.log.clear()
        rendered = self.render(sent.event)
        check_against_document(sent.method, sent.path.partition("?")[0], rendered)
        posts = [request for request in self.commercial.requests if request["method"] == "POST"]
        return Answer(rendered["statusCode"], rendered["headers"], rendered["body"]), posts

    def _taken_records(self) -> dict[str, dict[str, Any]]:
        """The records by the ids of their requests, one each. They are taken out: moto looks at all of a table."""
        items = self.dynamodb.scan(TableName=self.table)["Items"]
        keys = [{name: item[name] for name in ("requestId", "timestamp")} for item in items]
        for first in range(0, len(keys), 25):
            deletions = [{"DeleteRequest": {"Key": key}} for key in keys[first : first + 25]]
            self.dynamodb.batch_write_item(RequestItems={self.table: deletions})
        records = {item["requestId"]["S"]: item for item in items}
        assert len(records) == len(items)
        return {
            request_id: {name: next(iter(value.values())) for name, value in item.items()}
            for request_id, item in records.items()
        }

    def _check(self, decided: Decided) -> None:
        answer, record = decided.answer, decided.record
        if record is None:
            assert answer.status in (400, 404, 405), answer.text
            assert decided.posts == []
            return
        assert CANARY not in json.dumps(record)
        assert record["policyVersion"] == self.policies.current.version
        if record["decision"] == "ALLOW":
            assert (record["state"], len(decided.posts)) == ("COMPLETED", 1), answer.text
            return
        assert (record["state"], record["decision"], decided.posts) == ("DENIED", "DENY", [])
        assert answer.status in REFUSED
        assert record["statusCode"] == str(answer.status)
        assert f"(rule {record['decisionRule']})" in answer.text
        assert CANARY not in answer.text

    @staticmethod
    def _compare(said: Mapping[str, Any], decided: Decided) -> None:
        record = decided.record
        if record is None:
            assert said["wouldCross"] is False
            assert said["answer"]["code"] in decided.answer.text
            return
        assert (said["wouldCross"], said["decision"]["rule"]) == (record["decision"] == "ALLOW", record["decisionRule"])
        assert (said["classification"] or {}).get("label") == record.get("classification")
        assert said["marking"] == record.get("marking")
        if not said["wouldCross"]:
            assert said["answer"]["status"] == decided.answer.status
            assert json.dumps(said["answer"]["message"])[1:-1] in decided.answer.text
