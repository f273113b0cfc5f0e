"""Decides whether a crossing may happen, and says by which rule."""

from inference_proxy.models import Decision


class Policy:
    """The boundary's rules. Destination is the only one so far: ``global.`` profiles may leave the United States."""

    def __init__(self, allow_global_profiles: bool) -> None:
        self._allow_global_profiles = allow_global_profiles

    def decide(self, resolved_model_id: str) -> Decision:
        """The decision on calling a model or profile, by the id that would go upstream."""
        # An ARN names the profile in one of its last parts.
        is_global = any(part.startswith("global.") for part in resolved_model_id.split("/"))
        if is_global and not self._allow_global_profiles:
            return Decision(
                allowed=False,
                rule="destination.global-profiles",
                reason="global inference profiles may process data outside the United States and are not allowed; "
                "use a profile of one geography, such as us.",
            )
        return Decision(allowed=True, rule="default.allow", reason="no rule denies it")

    def discovery(self) -> Decision:
        """The decision on reading Bedrock's lists: they carry nothing of the caller's."""
        return Decision(allowed=True, rule="discovery.allow", reason="Bedrock's lists carry no caller data")
