"""Model ids: what callers may send, and which inference profile serves a model that has no on-demand throughput."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from inference_proxy.errors import InvalidParameterError

# The shapes of botocore's InvokeModelIdentifier, but anchored, and without "..": an id never changes the path.
_PLAIN_ID = re.compile(r"(?!arn:)[A-Za-z0-9][A-Za-z0-9._:-]{0,255}")
_ARN = re.compile(
    r"arn:aws[a-z-]*:(bedrock|sagemaker):[a-z0-9-]{0,20}:[0-9]{0,12}:[a-z-]+(/[A-Za-z0-9._:-]{1,256}){1,4}"
)
_FOUNDATION_MODEL_ARN = re.compile(r"arn:aws:bedrock:[a-z0-9-]*::foundation-model/(.+)")
# After a failed refresh: an overdue catalog serves on for a while, a missing one is wanted soon.
_RETRY_SECONDS = 30.0
_MISSING_RETRY_SECONDS = 2.0


def checked_model_id(value: object, field: str) -> str:
    """``value`` as a model id, profile id or ARN; raises InvalidParameterError naming ``field``."""
    if not isinstance(value, str) or not value:
        raise InvalidParameterError(f"`{field}` is required: a model id, an inference profile id or an ARN of either")
    if ".." in value or not (_PLAIN_ID.fullmatch(value) or _ARN.fullmatch(value)):
        raise InvalidParameterError(f"`{field}` is not a model id, an inference profile id or an ARN of either")
    return value


def path_segment(model_id: str) -> str:
    """A model id as exactly one segment of a path, as the AWS SDKs encode it."""
    return quote(model_id, safe="")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Bedrock's own lists at one moment: foundation model summaries and inference profile summaries."""

    models: Sequence[Mapping[str, Any]]
    profiles: Sequence[Mapping[str, Any]]
    region: str

    def resolve(self, model_id: str) -> str:
        """The id to call: the given one, or for a profile-only model the id of a profile that holds it.

        The geography of the Commercial region comes first (``us.`` in us-east-1), then any other, ``global.`` last.
        Ids that are not in the lists are returned as they are: Bedrock knows what to say of them.
        """
        arn = _FOUNDATION_MODEL_ARN.fullmatch(model_id)
        name = arn[1] if arn else model_id
        model = next((model for model in self.models if model.get("modelId") == name), None)
        if model is None or "ON_DEMAND" in model.get("inferenceTypesSupported", ()):
            return model_id
        geography = self.region.partition("-")[0]

        def preference(profile_id: str) -> tuple[int, str]:
            prefix = profile_id.partition(".")[0]
            return {geography: 0, "global": 2}.get(prefix, 1), profile_id

        return min((p["inferenceProfileId"] for p in self._serving(name)), key=preference, default=model_id)

    def _serving(self, model_id: str) -> list[Mapping[str, Any]]:
        ending = f":foundation-model/{model_id}"
        return [
            profile
            for profile in self.profiles
            if profile.get("status") == "ACTIVE"
            and any(str(model.get("modelArn", "")).endswith(ending) for model in profile.get("models", ()))
        ]


class CatalogCache:
    """Keeps the catalog for some minutes; an overdue one serves on while Bedrock's lists cannot be read."""

    def __init__(self, max_age_seconds: float) -> None:
        self._max_age_seconds = max_age_seconds
        self._catalog: Catalog | None = None
        self._read_at = float("-inf")
        self._tried_at = float("-inf")

    @property
    def age_seconds(self) -> int:
        """Age of the catalog in whole seconds, 0 if there is none."""
        return int(time.time() - self._read_at) if self._catalog else 0

    @property
    def failed_lately(self) -> bool:
        """Whether there is no catalog and the last attempt to load one was moments ago."""
        return self._catalog is None and time.time() - self._tried_at < _MISSING_RETRY_SECONDS

    def get(self, load: Callable[[], Catalog]) -> Catalog:
        """The catalog, loaded when it is missing or overdue; raises what ``load`` raises if there is none at all."""
        now = time.time()  # not the monotonic clock, which may stand still while Lambda is frozen
        if self._catalog and now - self._read_at < self._max_age_seconds:
            return self._catalog
        if self._catalog and now - self._tried_at < _RETRY_SECONDS:
            return self._catalog
        self._tried_at = now
        try:
            self._catalog = load()
        except Exception:
            if self._catalog:
                return self._catalog
            raise
        self._read_at = time.time()
        return self._catalog
