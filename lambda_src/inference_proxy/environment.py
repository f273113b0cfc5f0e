"""Reads environment variables and checks them: what is missing or wrong is reported all at once."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
# As in CreateInferenceProfile of the Amazon Bedrock API Reference.
_APPLICATION_PROFILE_ARN = re.compile(
    r"arn:aws:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:application-inference-profile/[A-Za-z0-9.:-]{1,64}"
)
_APPLICATION_PROFILE_NAME = re.compile(r"(?=.{1,64}$)([0-9A-Za-z][ _-]?)+")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ApplicationProfile:
    """What the configuration says of one model: the ARN of a profile of its own, or a name to create one by."""

    arn: str = ""
    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


class SettingsError(Exception):
    """The environment is incomplete or wrong; the message names every variable at once."""


class Environment:
    """Reads variables one by one and collects what is wrong with them, so that all of it is reported together."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._wrong: dict[str, str] = {}

    def raise_if_wrong(self) -> None:
        if self._wrong:
            raise SettingsError("; ".join(f"{name}: {problem}" for name, problem in self._wrong.items()))

    def report(self, name: str, problem: str) -> None:
        self._wrong[name] = problem

    def text(self, name: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self._environ.get(name, "")
        if not value:
            self._wrong[name] = "is required"
        elif pattern and not pattern.fullmatch(value):
            self._wrong[name] = f"must match {pattern.pattern}"
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        problem = f"must be a whole number from {least} to {most}"
        value = self._parsed(name, default, int, problem)
        if not least <= value <= most:
            self._wrong[name] = problem
        return value

    def flag(self, name: str, default: bool) -> bool:
        return self._parsed(name, default, {"true": True, "false": False}.__getitem__, "must be true or false")

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self._environ.get(name) or default
        if value not in choices:
            self._wrong[name] = f"must be one of {', '.join(choices)}"
        return value

    def url(self, name: str) -> str | None:
        value = self._environ.get(name)
        if not value:
            return None
        parts = urlsplit(value)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS):
            self._wrong[name] = "must be an https URL; http is for loopback only"
        elif not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            self._wrong[name] = "must be scheme://host[:port] and no more"
        return value.rstrip("/")

    def application_profiles(self, name: str) -> dict[str, ApplicationProfile]:
        def parse(text: str) -> dict[str, ApplicationProfile]:
            return {model_id: _application_profile(**fields) for model_id, fields in json.loads(text).items()}

        problem = "must be a JSON object by model id, each member with `arn`, or with `name` and perhaps `tags`"
        return self._parsed(name, {}, parse, problem)

    def _parsed(self, name: str, default: T, parse: Callable[[str], T], problem: str) -> T:
        value = self._environ.get(name)
        if not value:
            return default
        try:
            return parse(value)
        except (KeyError, ValueError, TypeError, AttributeError):
            self._wrong[name] = problem
            return default


def _application_profile(arn: str = "", name: str = "", tags: Mapping[str, str] | None = None) -> ApplicationProfile:
    """An application profile by its ARN, or by a name and tags; raises ValueError or TypeError for anything else."""
    tags = dict(tags or {})
    by_arn = bool(_APPLICATION_PROFILE_ARN.fullmatch(arn)) and not name and not tags
    by_name = bool(_APPLICATION_PROFILE_NAME.fullmatch(name)) and not arn
    if not (by_arn or by_name) or not all(isinstance(text, str) for pair in tags.items() for text in pair):
        raise ValueError
    return ApplicationProfile(arn, name, tags)
