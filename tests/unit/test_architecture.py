"""The shape of lambda_src: imports point one way, one place reads the environment, files stay readable."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LAMBDA_SOURCES = Path(__file__).resolve().parents[2] / "lambda_src"
FILES = sorted(LAMBDA_SOURCES.rglob("*.py"))
# From the outside in: a file may import from later rows only, never from its own row or an earlier one.
LAYERS = (
    ("handler",),
    ("assembly",),
    ("app",),
    ("router",),
    (
        "operations.archive",
        "operations.dashboard",
        "operations.discovery",
        "operations.explain",
        "operations.forward",
        "operations.health",
        "operations.invoke",
        "operations.proof",
        "operations.reconcile",
        "operations.usage",
        "operations.usage_task",
        "operations.watch",
    ),
    ("operations.answers", "operations.dashboard_access", "operations.model_descriptions", "model_calls"),
    ("operations.dashboard_csv", "operations.dashboard_cursor", "operations.usage_rows"),
    ("operations.dashboard_query", "operations.query_parameters"),
    ("path_families", "application_profiles"),
    ("routes", "model_lists"),
    ("gate", "boundary", "catalog_cache", "audit_query"),
    ("policy_store", "passage", "audit_walk", "usage_index"),
    ("audit_filter",),
    ("audit_table",),
    ("policy", "policy_parser", "audit", "bedrock", "inspection", "telemetry", "events", "estimate", "masking"),
    ("classification", "commercial_guardrail", "model_rules", "document_reader"),
    ("policy_document", "federation", "secret", "profiles", "eventstream", "json_member", "limits", "guardrail"),
    ("archive_chain", "usage_table"),
    ("credentials", "aws_json", "aws_query", "s3", "text_units"),
    ("aws_service",),
    ("transport", "signing"),
    ("clock", "connection", "settings"),
    ("addresses", "credential_choice", "environment", "usage_slices"),
    ("models", "upstream_errors", "usage_groups"),
    ("decisions", "errors", "content", "markings", "patterns", "archive_object", "usage_figures"),
    ("packed_text",),
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
MOST_LINES = 210


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(LAMBDA_SOURCES).with_suffix("").parts).removeprefix("inference_proxy.")


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        modules = []
        if isinstance(node, ast.ImportFrom):
            if node.module == "inference_proxy":
                modules = [alias.name for alias in node.names]
            elif node.module:
                modules = [node.module]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            yield module.removeprefix("inference_proxy.")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_imports_point_one_way(file: Path) -> None:
    name = name_of(file)
    if name.endswith("__init__"):
        assert list(imported(file)) == []
        return
    inner = [module for module in imported(file) if module in RANK]
    assert [module for module in inner if RANK[module] <= RANK[name]] == []


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_only_the_composition_root_reads_the_environment(file: Path) -> None:
    if name_of(file) != "handler":
        assert "os" not in set(imported(file))


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_files_can_be_read_in_one_sitting(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_boto3_stays_out_of_the_artifact(file: Path) -> None:
    assert {"boto3", "botocore"}.isdisjoint(module.split(".")[0] for module in imported(file))
