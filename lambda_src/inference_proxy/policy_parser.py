"""Reads the boundary's policy from JSON: what the document may hold, member by member.

Terraform checks the same at plan, in the same words (terraform/modules/policy). This check is the last one, and refuses
whatever has come past the other.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from inference_proxy.decisions import Limits
from inference_proxy.document_reader import DocumentReader, Problem, choice, parse_json, text, whole_number
from inference_proxy.markings import literal_text
from inference_proxy.policy_document import MOST_REQUEST_BYTES, CallerRule, Guardrail, PolicyDocument, Price

_MODEL_PATTERN = text(r"[A-Za-z0-9.:/_*-]{1,256}", "must be a pattern of model ids: letters, digits and .:/_-*")
_LABEL = text(r"[a-z0-9][a-z0-9._-]{0,63}", "must be a label: up to 64 lower-case letters, digits and ._-")
# Headers that cross or mean something to HTTP or SigV4 are no place for a label.
_HEADER = text(
    r"(?!(?i:x-amz|x-forwarded-|anthropic-|openai-|accept|content-))"
    r"(?!(?i:authorization|connection|cookie|date|expect|host|te|trailer|transfer-encoding|upgrade|user-agent|via)$)"
    r"[A-Za-z][A-Za-z0-9-]{0,63}",
    "must be the name of a header of your own, such as X-Data-Classification",
)
_METADATA_KEY = text(r"(?!auditId$)[A-Za-z0-9_-]{1,64}", "must be up to 64 letters, digits and _-, and not auditId")
_REGION = text(r"[a-z0-9*-]{1,32}", "must be a pattern of regions, such as us-*")
_FLAG = choice({True: True, False: False}, "must be true or false")
_MARKING_MODE = choice(
    {"off": "off", False: "off", "report": "report", "block": "block"},  # YAML 1.1 reads `off` as false
    "must be off, report or block",
)
_MARKING_PROBLEM = "must be a marking in capitals, such as SECRET//*: up to 64 characters, * at the end only"
_MARKING_TEXT = text(r"(?=.*[A-Z0-9])[!-)+-`{-~]([ -)+-`{-~]{0,62}[!-)+-`{-~])?\*?", _MARKING_PROBLEM)
_REQUEST_BYTES = whole_number(1, MOST_REQUEST_BYTES)
_LIMIT = whole_number(1, 1_000_000_000_000)
_WHEN_UNAVAILABLE = choice({"deny": "deny", "allow": "allow"}, "must be deny or allow")
_GUARDRAIL = text(
    r"[a-z0-9]{1,64}|arn:aws(-us-gov)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]{1,64}",
    "must be the id or ARN of a guardrail",
)
_GUARDRAIL_VERSION = text(r"[1-9][0-9]{0,7}|DRAFT", 'must be a version such as "1", or DRAFT')
_SCREENING_MODE = choice({"screen": "screen", "mask": "mask"}, "must be screen or mask")
_CALLER_NAME = text(r"[a-z0-9][a-z0-9-]{0,47}", "must be up to 48 lower-case letters, digits and -")
_PRINCIPAL = text(
    r"\*|arn:(aws|aws-us-gov|\*):(iam::([0-9]{12}|\*):(root|role/[A-Za-z0-9+=,.@_*-]{1,128}|"
    r"user/[A-Za-z0-9+=,.@_/*-]{1,512})|sts::([0-9]{12}|\*):federated-user/[A-Za-z0-9+=,.@_/*-]{1,512})",
    'must be "*" or the ARN of a role (without its path), user, federated user or root, with * for any text',
)
_LIMITS = ("requests_per_minute", "requests_per_day", "tokens_per_minute", "tokens_per_day")
_MOMENT_PROBLEM = "must be a date such as 2027-07-01 or a moment such as 2027-07-01T12:00:00Z"
_MOMENT = text(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?", _MOMENT_PROBLEM)


def parse(document: str) -> PolicyDocument:
    """The policy in a JSON text; raises DocumentError with every problem there is."""
    reader = DocumentReader()
    top = reader.members(
        parse_json(document),
        "",
        ("version", "classifications", "models", "destinations", "markings", "callers"),
        ("auditors", "max_request_bytes", "limits", "guardrails", "prices"),
    )
    reader.value(top, "version", choice({1: 1}, "must be 1"))
    classifications = _section(reader, top, "classifications", ("allowed",), ("header", "request_metadata"))
    allowed = reader.values(classifications, "classifications.allowed", _LABEL) or ()
    header = reader.value(classifications, "classifications.header", _HEADER)
    metadata = reader.value(classifications, "classifications.request_metadata", _METADATA_KEY)
    models = _section(reader, top, "models", ("allow",), ("deny",))
    destinations = _section(reader, top, "destinations", ("regions",), ("global_profiles",))
    markings = _section(reader, top, "markings", ("mode",), ("patterns",))
    marking_mode = reader.value(markings, "markings.mode", _MARKING_MODE) or "block"
    limits = _section(reader, top, "limits", (), ("when_unavailable",))
    guardrails = _section(reader, top, "guardrails", (), ("before_egress", "commercial"))
    policy = PolicyDocument(
        version=hashlib.sha256(document.encode()).hexdigest(),
        classifications=allowed,
        classification_header=header.lower() if header else None,
        classification_metadata=metadata,
        allowed_models=reader.values(models, "models.allow", _MODEL_PATTERN) or (),
        denied_models=reader.values(models, "models.deny", _MODEL_PATTERN, may_be_empty=True) or (),
        regions=reader.values(destinations, "destinations.regions", _REGION) or (),
        global_profiles=reader.value(destinations, "destinations.global_profiles", _FLAG) or False,
        marking_mode=marking_mode,
        markings=_patterns(reader, markings, marking_mode),
        max_request_bytes=reader.value(top, "max_request_bytes", _REQUEST_BYTES) or MOST_REQUEST_BYTES,
        limits_when_unavailable=reader.value(limits, "limits.when_unavailable", _WHEN_UNAVAILABLE) or "deny",
        guardrail_before_egress=_guardrail(reader, guardrails, "guardrails.before_egress"),
        commercial_guardrail=_guardrail(reader, guardrails, "guardrails.commercial"),
        callers=_callers(reader, top, allowed, may_declare=bool(header or metadata)),
        auditors=reader.values(top, "auditors", _PRINCIPAL, may_be_empty=True) or (),
        prices=_prices(reader, top),
    )
    reader.raise_if_wrong()
    return policy


def _section(
    reader: DocumentReader, top: Mapping[str, Any], path: str, required: Iterable[str], optional: Iterable[str]
) -> dict[str, Any]:
    """The members of an object that is a member; none if it is missing, which is said where it is required."""
    value = top.get(path.rpartition(".")[2])
    return {} if value is None else reader.members(value, path, required, optional)


def _patterns(reader: DocumentReader, markings: Mapping[str, Any], mode: str) -> tuple[str, ...]:
    patterns = reader.values(markings, "markings.patterns", _marking)
    if patterns is None and markings and mode != "off":
        reader.report("markings.patterns", "is required")
    return patterns or ()


def _guardrail(reader: DocumentReader, guardrails: Mapping[str, Any], path: str) -> Guardrail | None:
    name = path.rpartition(".")[2]
    if guardrails.get(name) is None:
        return None
    modes = ("mode",) if name == "before_egress" else ()
    members = reader.members(guardrails[name], path, ("identifier", "version", *modes))
    return Guardrail(
        reader.value(members, f"{path}.identifier", _GUARDRAIL) or "",
        reader.value(members, f"{path}.version", _GUARDRAIL_VERSION) or "",
        reader.value(members, f"{path}.mode", _SCREENING_MODE) or "",
    )


def _callers(
    reader: DocumentReader, top: Mapping[str, Any], allowed: tuple[str, ...], *, may_declare: bool
) -> tuple[CallerRule, ...]:
    rules: list[CallerRule] = []
    names: set[str] = set()
    for path, item in reader.items(top.get("callers", []), "callers", may_be_empty=True):
        rule = _caller(reader, item, path, allowed)
        if rule.name in names:
            reader.report(f"{path}.name", "is the name of an earlier entry")
        if rule.classification is None and not may_declare:
            problem = "is required, as classifications names neither header nor request_metadata"
            reader.report(f"{path}.classification", problem)
        names |= {rule.name} - {""}
        rules.append(rule)
    return tuple(rules)


def _caller(reader: DocumentReader, value: object, path: str, allowed: tuple[str, ...]) -> CallerRule:
    optional = ("classification", "classifications", "models", "expires_at", "max_request_bytes", "limits")
    members = reader.members(value, path, ("name", "principals"), optional)

    def known_label(value: Any) -> str:
        label = _LABEL(value)
        if label not in allowed:
            raise Problem("is not one of classifications.allowed")
        return label

    if {"classification", "classifications"} <= members.keys():
        reader.report(f"{path}.classifications", "must not be given beside classification")
    limits = _section(reader, members, f"{path}.limits", (), _LIMITS)
    return CallerRule(
        name=reader.value(members, f"{path}.name", _CALLER_NAME) or "",
        principals=reader.values(members, f"{path}.principals", _PRINCIPAL) or (),
        classification=reader.value(members, f"{path}.classification", known_label),
        classifications=reader.values(members, f"{path}.classifications", known_label),
        models=reader.values(members, f"{path}.models", _MODEL_PATTERN),
        expires_at=reader.value(members, f"{path}.expires_at", _moment),
        max_request_bytes=reader.value(members, f"{path}.max_request_bytes", _REQUEST_BYTES),
        limits=Limits(*(reader.value(limits, f"{path}.limits.{name}", _LIMIT) for name in _LIMITS)),
    )


def _prices(reader: DocumentReader, top: Mapping[str, Any]) -> tuple[Price, ...]:
    return tuple(_price(reader, *item) for item in reader.items(top.get("prices", []), "prices", may_be_empty=True))


def _price(reader: DocumentReader, path: str, value: object) -> Price:
    input_usd, output_usd = "input_usd_per_million_tokens", "output_usd_per_million_tokens"
    cache = ("cache_read_usd_per_million_tokens", "cache_write_usd_per_million_tokens")
    members = reader.members(value, path, ("models", input_usd, output_usd), cache)
    return Price(
        reader.values(members, f"{path}.models", _MODEL_PATTERN) or (),
        reader.value(members, f"{path}.{input_usd}", _price_usd) or 0.0,
        reader.value(members, f"{path}.{output_usd}", _price_usd) or 0.0,
        *(reader.value(members, f"{path}.{name}", _price_usd) for name in cache),
    )


def _marking(value: Any) -> str:
    """A marking that is more than mark-up."""
    try:
        literal_text(_MARKING_TEXT(value))
    except ValueError:
        raise Problem(_MARKING_PROBLEM) from None
    return str(value)


def _moment(value: Any) -> datetime:
    """A moment in UTC; a date is its beginning."""
    try:
        return datetime.fromisoformat(_MOMENT(value)[:19]).replace(tzinfo=UTC)
    except ValueError:
        raise Problem(_MOMENT_PROBLEM) from None


def _price_usd(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1_000_000:
        return float(value)
    raise Problem("must be a number from 0 to 1000000")
