"""Inference profiles of the Commercial stand-in: Bedrock's own, and those that callers create.

CreateInferenceProfile copies a model or a system-defined profile and gives the copy an ARN of its own, by which usage
is told apart ("Create an application inference profile"). A repeated clientRequestToken creates nothing. Names are not
unique. It is assumed that a token repeated with other parameters is a ConflictException, that the new profile is in the
Region of what it copies, and that a model which is not on demand is refused as at its invocation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from tests.fakes.commercial_constraints import check_present, check_tags, check_text
from tests.fakes.commercial_models import CATALOGUE, Model
from tests.fakes.commercial_wire import BedrockError

CREATED = "2026-01-15T00:00:00Z"
# Patterns of botocore's service model `bedrock`.
_NAME = re.compile(r"([0-9a-zA-Z][ _-]?)+")
_DESCRIPTION = re.compile(r"([0-9a-zA-Z:.][ _-]?)+")
_TOKEN = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9]{0,254}[a-zA-Z0-9])?")


@dataclass(frozen=True)
class Profile:
    id: str
    arn: str
    name: str
    model: Model
    # The ARN of the model in each Region the profile leads to.
    destinations: tuple[str, ...]
    type: str
    created_at: str = CREATED
    description: str | None = None
    tags: tuple[tuple[str, str], ...] = ()

    def summary(self) -> dict[str, Any]:
        """As ListInferenceProfiles and GetInferenceProfile have it: without tags."""
        described = {"description": self.description} if self.description else {}
        return {
            "inferenceProfileName": self.name,
            **described,
            "createdAt": self.created_at,
            "updatedAt": self.created_at,
            "inferenceProfileArn": self.arn,
            "models": [{"modelArn": arn} for arn in self.destinations],
            "inferenceProfileId": self.id,
            "status": "ACTIVE",
            "type": self.type,
        }


@cache
def system_profiles(region: str, account: str) -> Mapping[str, Profile]:
    """Bedrock's own inference profiles by id, as `region` sees them."""
    return {
        profile.id: profile
        for model in CATALOGUE
        for prefix in model.profiles
        for profile in [_system_profile(prefix, model, region, account)]
    }


def _system_profile(prefix: str, model: Model, region: str, account: str) -> Profile:
    # A global profile also routes to "no Region": its ARN has an empty one.
    places = ("us-east-1", "us-east-2", "us-west-2", *([""] if prefix == "global" else []))
    name = f"{prefix}.{model.id}"
    return Profile(
        id=name,
        arn=f"arn:aws:bedrock:{region}:{account}:inference-profile/{name}",
        name=f"{'US' if prefix == 'us' else 'Global'} {model.provider} {model.name}",
        model=model,
        destinations=tuple(f"arn:aws:bedrock:{place}::foundation-model/{model.id}" for place in places),
        type="SYSTEM_DEFINED",
        description=f"Routes requests to {model.provider} {model.name} ({prefix}).",
    )


class ApplicationProfiles:
    """The profiles that callers created, in the order they were created."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_id: dict[str, Profile] = {}
        self._by_token: dict[str, tuple[Mapping[str, Any], Profile]] = {}

    def get(self, profile_id: str) -> Profile | None:
        return self._by_id.get(profile_id)

    def all(self) -> list[Profile]:
        with self._lock:
            return list(self._by_id.values())

    def create(
        self, body: Mapping[str, Any], source: Profile | Model, region: str, account: str, created_at: str
    ) -> Profile:
        """The profile a CreateInferenceProfile request asks for, or the one it got for this token before."""
        check_present(body, "inferenceProfileName", str)
        check_text(body, "inferenceProfileName", _NAME, 64)
        check_text(body, "description", _DESCRIPTION, 200)
        check_text(body, "clientRequestToken", _TOKEN, 256)
        check_tags(body)
        token = body.get("clientRequestToken")
        with self._lock:
            if token in self._by_token:
                earlier, profile = self._by_token[token]
                if earlier != body:
                    sentence = "The clientRequestToken was used before with other parameters."
                    raise BedrockError(400, "ConflictException", sentence)
                return profile
            profile_id = hashlib.sha256(f"application-{len(self._by_id)}".encode()).hexdigest()[:12]
            model, destinations = (
                (source.model, source.destinations)
                if isinstance(source, Profile)
                else (source, (f"arn:aws:bedrock:{region}::foundation-model/{source.id}",))
            )
            profile = Profile(
                id=profile_id,
                arn=f"arn:aws:bedrock:{region}:{account}:application-inference-profile/{profile_id}",
                name=body["inferenceProfileName"],
                model=model,
                destinations=destinations,
                type="APPLICATION",
                created_at=created_at,
                description=body.get("description"),
                tags=tuple((tag["key"], tag["value"]) for tag in body.get("tags", [])),
            )
            self._by_id[profile_id] = profile
            if token:
                self._by_token[token] = (body, profile)
            return profile
