"""Which models a policy lets be called, and where they may run: by name, and by what the name leads to."""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from inference_proxy.content import Content
from inference_proxy.decisions import Denied
from inference_proxy.patterns import Patterns
from inference_proxy.policy_document import CallerRule, PolicyDocument
from inference_proxy.profiles import GEOGRAPHIES, Resolution, named_model

# Ids that stand for a model without naming it, wherever it may be.
_LEADS_ELSEWHERE = re.compile(r":(application-inference-profile|prompt|prompt-router|default-prompt-router)/")
# An id of a profile of a geography that nobody knows here: its regions are not known either.
_UNKNOWN_GEOGRAPHY = re.compile(r"[a-z]{2,6}(-[a-z]+)?\.([a-z]+|ai21)\..+")
_ARN_REGION = re.compile(r"arn:aws:[a-z]+:([a-z0-9-]+):.+")
_GLOBAL = "destinations.global_profiles"
_GLOBAL_REASON = (
    "global inference profiles may process data outside the United States and are not allowed; use a profile of one "
    "geography, such as us."
)


class ModelRules:
    """The rules ``models``, ``destinations`` and ``callers[].models``. Ids are compared without regard to case."""

    def __init__(self, document: PolicyDocument) -> None:
        self._denied = Patterns(pattern.lower() for pattern in document.denied_models)
        self._allowed = _Allowed(document.allowed_models, any_denied=bool(document.denied_models))
        self._any_denied = bool(document.denied_models)
        self._allowed_of_callers: dict[str, _Allowed] = {}
        self._regions = Patterns(document.regions)
        self._region_patterns = document.regions
        self._global_profiles = document.global_profiles

    def check_named(self, model_id: str, content: Content, rule: CallerRule) -> None:
        """Raise Denied by what an id says by itself, and by a body that names another model than the request does.

        What may be an allowed model behind a prefix that nobody knows here is left to ``check``: the lists will say.
        """
        geography, name = named_model(model_id.lower())
        for member in ("model", "modelId"):
            for other in content.members(member):
                if isinstance(other, str) and named_model(other.lower())[1] != name:
                    raise Denied(
                        "models.conflict",
                        f"the member `{member}` of the body names another model; name one",
                    )
        if geography == "global" and not self._global_profiles:
            raise Denied(_GLOBAL, _GLOBAL_REASON)
        if not _hides_its_model(name):
            spellings = _spellings(name, [model_id])
            self._check_model(name, {*spellings, *chain.from_iterable(map(_endings, spellings))}, rule)

    def check(self, model_id: str, resolution: Resolution, rule: CallerRule) -> None:
        """Raise Denied by what the id ``model_id`` leads to."""
        self._check_destination(resolution)
        _, name = named_model(resolution.model_id.lower())
        self._check_model(name, _spellings(name, [model_id, resolution.called_id, resolution.model_id]), rule)

    def _check_model(self, name: str, spellings: Collection[str], rule: CallerRule) -> None:
        if self._any_denied and any(map(self._denied.matches, chain.from_iterable(map(_endings, spellings)))):
            raise Denied("models.deny", "the policy denies this model; GET /bedrock/models says which can be called")
        if not self._allowed.has(name, spellings):
            raise Denied("models.allow", "the policy does not allow this model; GET /bedrock/models says which it does")
        if rule.models is not None and not self._of_caller(rule, rule.models).has(name, spellings):
            raise Denied(f"callers.{rule.name}.models", "this is none of the models that you may call")

    def _of_caller(self, rule: CallerRule, models: tuple[str, ...]) -> "_Allowed":
        if rule.name not in self._allowed_of_callers:
            self._allowed_of_callers[rule.name] = _Allowed(models, any_denied=self._any_denied)
        return self._allowed_of_callers[rule.name]

    def _check_destination(self, resolution: Resolution) -> None:
        """By where the lists say that a profile leads; "" is anywhere."""
        called_id, regions = resolution.called_id.lower(), resolution.destination_regions
        is_global = any(part.startswith("global.") for part in called_id.split("/")) or "" in (regions or ())
        if is_global and not self._global_profiles:
            raise Denied(_GLOBAL, _GLOBAL_REASON)
        if not regions:
            self._check_unlisted(called_id)
        elif not all(self._regions.matches(region) for region in regions if region):
            raise _elsewhere()

    def _check_unlisted(self, called_id: str) -> None:
        """An id that Bedrock's lists do not have, or nobody could read them: by what it says itself."""
        if _LEADS_ELSEWHERE.search(called_id):
            if not self._global_profiles:
                raise Denied(
                    "destinations.unknown",
                    "Bedrock's lists do not say where this leads, and it might be anywhere; name the model or an "
                    "inference profile",
                )
            return
        geography, name = named_model(called_id)
        arn = _ARN_REGION.fullmatch(called_id)
        # A profile of a geography may lead to all of its regions.
        prefixes = () if geography == "global" else GEOGRAPHIES.get(geography, ())
        if not geography and _UNKNOWN_GEOGRAPHY.fullmatch(name):
            prefixes = ("",)
        within = all(any(_covers(pattern, prefix) for pattern in self._region_patterns) for prefix in prefixes)
        if not within or (arn and not geography and not self._regions.matches(arn[1])):
            raise _elsewhere()


class _Allowed:
    """A list of allowed models: by their ids, whatever ARN they are called by."""

    def __init__(self, patterns: tuple[str, ...], *, any_denied: bool) -> None:
        lower = [pattern.lower() for pattern in patterns]
        self._patterns = Patterns(map(_id_pattern, lower))
        # What hides its model has to be allowed as what it is, unless everything is.
        self._hidden = Patterns(
            pattern
            for pattern in lower
            if pattern.startswith("arn:") or "*" not in pattern or (pattern == "*" and not any_denied)
        )

    def has(self, name: str, spellings: Iterable[str]) -> bool:
        if _hides_its_model(name):
            return any(map(self._hidden.matches, spellings))
        return any(self._patterns.matches(spelling) for spelling in spellings if not spelling.startswith("arn:"))


def _id_pattern(pattern: str) -> str:
    """A pattern of foundation models' ARNs as one of their ids."""
    return pattern.partition("::foundation-model/")[2] or pattern


def _spellings(name: str, ids: Iterable[str]) -> set[str]:
    """A model's name and ids in lower case, as they are and without the geography of a profile."""
    spellings = {name, *(spelling.lower() for spelling in ids)}
    return spellings | {named_model(spelling)[1] for spelling in spellings}


def _endings(spelling: str) -> Iterator[str]:
    """A spelling, and what is left of it behind each dot: AWS may have prefixes of profiles that nobody knows here."""
    yield spelling
    while "." in spelling:
        spelling = spelling.partition(".")[2]
        yield spelling


def _hides_its_model(name: str) -> bool:
    """Whether a name is none of a foundation model, all of which are ``<provider>.<model>``."""
    return name.startswith("arn:") or "." not in name


def _elsewhere() -> Denied:
    return Denied("destinations.regions", "this leads to regions that the policy does not allow; use another profile")


def _covers(pattern: str, prefix: str) -> bool:
    """Whether a pattern has every region that begins so."""
    return pattern.endswith("*") and prefix.startswith(pattern[:-1])
