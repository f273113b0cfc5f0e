"""An alarm fires only on a metric that is emitted under exactly its name, namespace and dimensions.

The router's own classes print their metrics here; the Terraform module that holds alarms and dashboard is compared.
"""

import ast
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics

from inference_proxy.models import Caller, Deadline, Request, Response
from inference_proxy.operations.watch import Watch
from inference_proxy.telemetry import Telemetry

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = REPOSITORY / "terraform/modules/observability"
SOURCES = {file.name: file.read_text() for file in MODULE.glob("*.tf")}
NAMESPACE = "CrossPartitionInference"
SERVICE = "cross-partition-test-router"
REFERENCE = re.compile(r'source = "router", name = "(\w+)", statistic = ("?[\w.]+"?)')

Emitted = dict[str, set[tuple[str, ...]]]


def counted() -> Iterator[str]:
    """The names the router's files count, wherever they do."""
    for file in REPOSITORY.glob("lambda_src/inference_proxy/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "self._telemetry.count":
                (name,) = node.args
                assert isinstance(name, ast.Constant), f"{file.name}: the name of a metric is written out"
                yield str(name.value)


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> Emitted:
    """What the router prints, as CloudWatch reads it: the sets of dimensions of each metric."""
    telemetry = Telemetry(Logger(service=SERVICE), Metrics(namespace=NAMESPACE, service=SERVICE))
    request = Request("id", "invocation", "POST", "/", Caller("a", "b", "c", "d"), Deadline.after(1))
    for name in counted():
        telemetry.count(name)
    telemetry.tokens(1, 2)
    telemetry.guardrail_latency(3)
    telemetry.request(request, "invoke_model", Response(503, {}, b""), 12)
    reader: Any = SimpleNamespace(count=lambda *_: (0, True), oldest=lambda *_: None)
    archive: Any = SimpleNamespace(advanced_at=lambda _: None)
    credential = SimpleNamespace(expires_at=datetime.now(UTC) + timedelta(days=1))
    credentials: Any = SimpleNamespace(get=lambda _: credential)
    policies: Any = SimpleNamespace(refresh=lambda _: None)
    telemetry.reconciled(0)
    Watch(reader, credentials, policies, telemetry, 29, archive).run({}, "id", Deadline.after(1))

    metrics: Emitted = {}
    for line in filter(lambda line: "_aws" in line, map(json.loads, capsys.readouterr().out.splitlines())):
        for directive in line["_aws"]["CloudWatchMetrics"]:
            assert (directive["Namespace"], line["service"]) == (NAMESPACE, SERVICE)
            for metric in directive["Metrics"]:
                assert all(isinstance(value, float) for value in line[metric["Name"]])
                metrics.setdefault(metric["Name"], set()).update(map(tuple, directive["Dimensions"]))
    return metrics


def test_every_metric_of_an_alarm_or_graph_is_emitted_with_the_service_alone(emitted: Emitted) -> None:
    router = "{ namespace = var.metrics_namespace, dimensions = { service = local.service_name } }"
    assert re.search(rf"^    router += {re.escape(router)}$", SOURCES["metrics.tf"], re.MULTILINE)
    for file in ("alarms.tf", "dashboard.tf"):
        used = {name for name, _ in REFERENCE.findall(SOURCES[file])}
        assert len(used) > 5
        assert used <= {name for name, dimensions in emitted.items() if ("service",) in dimensions}
        assert SOURCES[file].count('"router",') == len(REFERENCE.findall(SOURCES[file])), "another form"
        assert "sources.router" not in SOURCES[file]


def test_the_search_of_the_dashboard_finds_requests_by_operation(emitted: Emitted) -> None:
    (dimensions,) = re.findall(r"""SEARCH\('\{\\"\$\{var.metrics_namespace\}\\",([\w,]+)\}""", SOURCES["dashboard.tf"])
    (metric,) = re.findall(r'MetricName=\\"(\w+)', SOURCES["dashboard.tf"])
    assert tuple(dimensions.split(",")) in emitted[metric]
    # Nothing else goes past the table of sources.
    assert sum(text.count("metrics_namespace") for name, text in SOURCES.items() if name != "variables.tf") == 2


def test_every_metric_is_seen_by_an_alarm_or_a_graph(emitted: Emitted) -> None:
    used = {name for text in SOURCES.values() for name, _ in REFERENCE.findall(text)}
    assert used == emitted.keys()


def test_every_metric_is_documented(emitted: Emitted) -> None:
    readme = (REPOSITORY / "lambda_src/README.md").read_text()
    table = readme.split("## Logs and metrics\n")[1].split("\n### ")[0]
    rows = "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) == emitted.keys()


def test_the_function_is_told_the_names_the_alarms_assume() -> None:
    environment = (REPOSITORY / "terraform/application/environment.tf").read_text()
    assert re.search(r"POWERTOOLS_SERVICE_NAME += var.infrastructure.function_name\n", environment)
    assert re.search(rf'POWERTOOLS_METRICS_NAMESPACE += "{NAMESPACE}"\n', environment)
    assert "coalesce(var.service_name, var.function_name)" in SOURCES["metrics.tf"]
    assert f'default     = "{NAMESPACE}"' in SOURCES["variables.tf"]
