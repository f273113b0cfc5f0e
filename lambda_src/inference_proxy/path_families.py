"""Whose API a path belongs to, by its first segment: that decides the form of an error, and what a 404 explains."""

from inference_proxy.routes import ROUTES

# fmt: off
# First segments of Bedrock's paths that no row has: a test compares them with AWS's own models of the two services.
UNROUTED_BEDROCK = frozenset({
    "advanced-prompt-optimization-job", "advanced-prompt-optimization-jobs", "automated-reasoning-policies",
    "create-foundation-model-agreement", "custom-models", "data-retention", "delete-foundation-model-agreement",
    "enforcedGuardrailsConfiguration", "evaluation-job", "evaluation-jobs", "guardrails", "imported-models",
    "list-foundation-model-agreement-offers", "listTagsForResource", "logging", "marketplace-model", "model-copy-jobs",
    "model-customization", "model-customization-jobs", "model-import-jobs", "model-invocation-job",
    "model-invocation-jobs", "prompt-routers", "provisioned-model-throughput", "provisioned-model-throughputs",
    "resource-policy", "tagResource", "untagResource", "use-case-for-model-access",
})
# fmt: on
OPENAI, ANTHROPIC = "openai", "anthropic"


def first_segment(path: str) -> str:
    """The first segment of a path."""
    return path.lstrip("/").partition("/")[0]


BEDROCK = UNROUTED_BEDROCK | {first_segment(route.path) for route in ROUTES if route.upstream} - {OPENAI, ANTHROPIC}


def why_not_found(path: str) -> str:
    """Why there is no operation at a path."""
    segment = first_segment(path)
    if segment in BEDROCK:
        return (
            "of Bedrock's operations those cross that call a model, check with a guardrail, or list models and "
            "profiles; the others are the Commercial account's own affair"
        )
    if segment == OPENAI:
        return (
            "of OpenAI's API Bedrock has POST /openai/v1/chat/completions and /openai/v1/responses; stored responses "
            "do not cross, and GET /bedrock/models lists the models"
        )
    if segment == ANTHROPIC:
        return (
            "of Anthropic's API Bedrock has POST /anthropic/v1/messages; POST /model/{modelId}/count-tokens counts "
            "tokens, and GET /bedrock/models lists the models"
        )
    return "no operation has this path; lambda_src/README.md lists them"
