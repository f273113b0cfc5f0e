"""Reads Bedrock's lists of models and profiles: a crossing of its own with a record of its own.

Follows ListFoundationModels (not paged) and ListInferenceProfiles (paged; without a type it names the system-defined
ones only) of the Amazon Bedrock API Reference.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from inference_proxy.boundary import Boundary, sha256_hex
from inference_proxy.catalog_cache import CatalogCache
from inference_proxy.errors import ProxyError
from inference_proxy.models import Crossing, Request, UpstreamAnswer, UpstreamCall
from inference_proxy.passage import Passage
from inference_proxy.policy_store import PolicyStore
from inference_proxy.profiles import Catalog
from inference_proxy.telemetry import Telemetry
from inference_proxy.upstream_errors import UpstreamProtocolError

_PAGES = 50  # of up to 1,000 profiles each: a paging loop that cannot go on for ever
_IMPLICIT_SECONDS = 5.0  # what a lookup on behalf of another operation may take of its time
_RENEWAL_SECONDS = 2.5  # the same of a lookup beside it, for which the answer has to wait
_REFRESH_SECONDS = 5.0  # lists of this age are fresh for whoever asks for fresh ones


class ListsRefusedError(Exception):
    """Bedrock answered one of the lists with an error: a crossing that was completed, but no list."""

    def __init__(self, answer: UpstreamAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class ModelLists:
    """What Commercial Bedrock offers, by its own word."""

    def __init__(self, boundary: Boundary, policies: PolicyStore, cache: CatalogCache, telemetry: Telemetry) -> None:
        self._boundary = boundary
        self._policies = policies
        self._cache = cache
        self._telemetry = telemetry

    @property
    def age_seconds(self) -> int:
        """How old the lists are."""
        return self._cache.age_seconds

    def read(self, request: Request, crossing_id: str = "", *, fresh: bool = False) -> Catalog:
        """The lists, from the cache unless they are to be ``fresh``; ``crossing_id`` as in a Crossing.

        Raises ListsRefusedError or a ProxyError if there are none and they cannot be read.
        """
        if fresh:
            return self._cache.get_fresh(lambda: self._load(request, crossing_id), _REFRESH_SECONDS)
        return self._cache.get(lambda: self._load(request, crossing_id))

    def on_behalf(self, request: Request, *, fresh: bool = False) -> Catalog | None:
        """The lists for another operation, without waiting for their renewal; None if they cannot be read at all.

        ``fresh`` ones are waited for.
        """
        if self._cache.missing:
            return None
        renews = self._cache.age_seconds > 0 and not fresh
        seconds = _RENEWAL_SECONDS if renews else _IMPLICIT_SECONDS
        brief = replace(request, deadline=request.deadline.within(seconds))

        def load() -> Catalog:
            try:
                return self._load(brief, str(uuid.uuid4()))
            except Exception as error:
                self._telemetry.count("DiscoveryFailures")
                code = getattr(error, "code", type(error).__name__)
                self._telemetry.warning("models not listed", request.request_id, code)
                raise

        try:
            return self._cache.get_fresh(load, _REFRESH_SECONDS) if fresh else self._cache.get_at_once(load)
        except (ListsRefusedError, ProxyError):
            return None

    def settle(self) -> None:
        """Wait for a renewal under way."""
        self._cache.settle()

    def _load(self, request: Request, crossing_id: str) -> Catalog:
        crossing = Crossing(
            request=replace(request, dry_run=False),  # a crossing of its own
            operation="ListModels",
            decision=self._policies.listing(),
            payload_sha256=sha256_hex(b""),
            request_bytes=0,
            crossing_id=crossing_id,
        )
        refused = None
        with self._boundary.passage(crossing) as passage:
            try:
                models = list(_pages(passage, "/foundation-models", "modelSummaries", "modelId"))
                profiles = [
                    profile
                    for kind in ("SYSTEM_DEFINED", "APPLICATION")
                    for profile in _pages(
                        passage,
                        f"/inference-profiles?maxResults=1000&type={kind}",
                        "inferenceProfileSummaries",
                        "inferenceProfileId",
                    )
                ]
            except ListsRefusedError as error:  # kept until the outcome is on record: Bedrock did answer
                refused = error
        if refused:
            raise refused
        return Catalog(models, profiles, str(passage.outcome.destination_region))


def _pages(passage: Passage, target: str, member: str, identifier: str) -> Iterator[Mapping[str, Any]]:
    """The items of a list that have an identifier, page by page."""
    following = target
    for _ in range(_PAGES):
        answer = passage.send(UpstreamCall("bedrock", "GET", following))
        if not answer.ok:
            raise ListsRefusedError(answer)
        document = json.loads(answer.body)
        members = document.get(member) if isinstance(document, dict) else None
        if not isinstance(members, list) or not all(isinstance(item, dict) for item in members):
            raise UpstreamProtocolError("Commercial Bedrock's list does not hold what its API reference says")
        for item in members:
            if item.get(identifier):  # a member that is null is as good as none
                yield {name: value for name, value in item.items() if value is not None}
        token = document.get("nextToken")
        if not token:
            return
        following = f"{target}&nextToken={quote(str(token), safe='')}"
    raise UpstreamProtocolError(f"Commercial Bedrock's list does not end after {_PAGES} pages")
