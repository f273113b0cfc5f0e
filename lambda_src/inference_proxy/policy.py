"""Decides whether a crossing may happen, and says by which rule."""

import re

from inference_proxy.models import Decision
from inference_proxy.profiles import Resolution

# Ids that stand for a model without naming it.
_LEADS_ELSEWHERE = re.compile(r":(application-inference-profile|prompt|prompt-router|default-prompt-router)/")


class Policy:
    """The boundary's rules. Destination is the only one so far: ``global.`` profiles may leave the United States."""

    def __init__(self, allow_global_profiles: bool) -> None:
        self._allow_global_profiles = allow_global_profiles

    def decide(self, resolution: Resolution) -> Decision:
        """The decision on calling a model or profile, by what would go upstream and where that leads."""
        # An ARN names the profile in one of its last parts. An application profile has a name of its own: what counts
        # is where it leads, and "" is anywhere.
        regions = resolution.destination_regions
        is_global = any(part.startswith("global.") for part in resolution.called_id.split("/")) or "" in (regions or ())
        if is_global and not self._allow_global_profiles:
            return Decision(
                allowed=False,
                rule="destination.global-profiles",
                reason="global inference profiles may process data outside the United States and are not allowed; "
                "use a profile of one geography, such as us.",
            )
        if regions is None and _LEADS_ELSEWHERE.search(resolution.called_id) and not self._allow_global_profiles:
            return Decision(
                allowed=False,
                rule="destination.unknown",
                reason="Bedrock's lists do not say where this leads, and it might be anywhere; name the model or an "
                "inference profile",
            )
        return self.without_model()

    def without_model(self) -> Decision:
        """The decision on an operation that runs no model, such as a guardrail."""
        return Decision(allowed=True, rule="default.allow", reason="no rule denies it")

    def discovery(self) -> Decision:
        """The decision on reading Bedrock's lists: they carry nothing of the caller's."""
        return Decision(allowed=True, rule="discovery.allow", reason="Bedrock's lists carry no caller data")

    def configured(self) -> Decision:
        """The decision on creating what the configuration asks for: it carries nothing of the caller's."""
        return Decision(allowed=True, rule="configuration.allow", reason="the configuration asks for it")
