"""Whose API a path belongs to, by how it begins: that decides the form of an error, and what a 404 explains."""

from inference_proxy.routes import ROUTES

# fmt: off
# Beginnings of Bedrock's paths that no row has: a test compares them with AWS's own models of the two services.
UNROUTED_BEDROCK = frozenset({
    "advanced-prompt-optimization-job", "advanced-prompt-optimization-jobs", "automated-reasoning-policies",
    "create-foundation-model-agreement", "custom-models", "data-retention", "delete-foundation-model-agreement",
    "enforcedGuardrailsConfiguration", "evaluation-job", "evaluation-jobs", "guardrails", "imported-models",
    "list-foundation-model-agreement-offers", "listTagsForResource", "logging", "marketplace-model", "model-copy-jobs",
    "model-customization", "model-customization-jobs", "model-import-jobs", "model-invocation-job",
    "model-invocation-jobs", "projects", "prompt-routers", "provisioned-model-throughput",
    "provisioned-model-throughputs", "resource-policy", "tagResource", "trusted-access-programs", "untagResource",
    "use-case-for-model-access", "v1/data_retention", "v1/projects",
})
# fmt: on
OPENAI, ANTHROPIC = "openai", "anthropic"


def path_family(path: str) -> str:
    """The first segment of a path; below ``v1``, which says nothing yet, the first two."""
    first, _, rest = path.lstrip("/").partition("/")
    return f"{first}/{rest.partition('/')[0]}" if first == "v1" else first


BEDROCK = UNROUTED_BEDROCK | {path_family(route.path) for route in ROUTES if route.upstream} - {OPENAI, ANTHROPIC}


def why_not_found(path: str) -> str:
    """Why there is no operation at a path."""
    family = path_family(path)
    if family in BEDROCK:
        return (
            "of Bedrock's operations those cross that call a model, check with a guardrail, or list models and "
            "profiles; the others are the Commercial account's own affair"
        )
    if family == OPENAI:
        return (
            "of OpenAI's API Bedrock has POST /openai/v1/chat/completions and /openai/v1/responses; stored responses "
            "do not cross, and GET /bedrock/models lists the models"
        )
    if family == ANTHROPIC:
        return (
            "of Anthropic's API Bedrock has POST /anthropic/v1/messages; POST /model/{modelId}/count-tokens counts "
            "tokens, and GET /bedrock/models lists the models"
        )
    return "no operation has this path; lambda_src/README.md lists them"
