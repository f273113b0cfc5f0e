"""Documents say what is there, all of it and nothing more."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from inference_proxy import errors, upstream_errors
from inference_proxy.audit import AuditTrail
from inference_proxy.decisions import Decision
from inference_proxy.models import Caller, Crossing, Deadline, Outcome, RecordKey, Request
from inference_proxy.routes import ROUTES

REPOSITORY = Path(__file__).resolve().parents[2]
ROUTER_README = (REPOSITORY / "lambda_src/README.md").read_text()
OPENAPI = yaml.safe_load((REPOSITORY / "terraform/modules/api_gateway/openapi.yaml").read_text())
MODULES = sorted(path.parent for path in REPOSITORY.glob("terraform/modules/*/versions.tf"))
MODULES.append(REPOSITORY / "terraform/commercial")
CODED_ERRORS = [
    error
    for module in (errors, upstream_errors)
    for error in vars(module).values()
    if isinstance(error, type) and error.__module__ == module.__name__ and hasattr(error, "code")
]


def section(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_every_error_code_is_in_the_catalogue() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", section(ROUTER_README, "Errors"), re.MULTILINE)
    assert sorted(rows) == sorted((error.code, str(error.status)) for error in CODED_ERRORS)


def test_the_error_tree_is_drawn_as_it_is() -> None:
    drawings = f"{errors.__doc__}{upstream_errors.__doc__}"
    drawn = re.findall(r"(\w+Error)\s+(\d{3}) (\w+)", drawings)
    assert sorted(drawn) == sorted((error.__name__, str(error.status), error.code) for error in CODED_ERRORS)


def test_every_variable_of_the_function_is_documented() -> None:
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", section(ROUTER_README, "Environment variables")))
    source = (REPOSITORY / "lambda_src/inference_proxy/settings.py").read_text()
    read = set(re.findall(r'"([A-Z][A-Z0-9]*_[A-Z0-9_]+|RELEASE)"', source))
    environment = (REPOSITORY / "terraform/application/environment.tf").read_text()
    set_by_terraform = set(re.findall(r"^    ([A-Z][A-Z0-9_]+) +=", environment, re.MULTILINE))
    by_endpoint_rule = {f"AWS_ENDPOINT_URL_{service}" for service in ("DYNAMODB", "SECRETSMANAGER", "STS")}
    assert documented == read | by_endpoint_rule | {name for name in set_by_terraform if "POWERTOOLS" in name}
    assert set_by_terraform - documented == set()


def test_every_attribute_of_a_record_is_documented() -> None:
    class Recorder:
        items: list[dict[str, object]] = []  # noqa: RUF012

        def call(self, _operation: str, arguments: dict[str, object], _deadline: Deadline) -> None:
            self.items.append(arguments)

    recorder = Recorder()
    request = Request("id", "invocation", "POST", "/", Caller("a", "b", "c", "d"), Deadline.after(1))
    decision = Decision(True, "r", "r", "v", classification="public", classification_source="header", marking="CUI")
    crossing = Crossing(request, "InvokeModel", decision, "0", 1, "m", "m", crossing_id="other")
    crossing = replace(crossing, guardrail_action="NONE", guardrail_latency_ms=1, foundation_model_id="m")
    trail = AuditTrail(recorder, "table", 30, "release")  # type: ignore[arg-type]
    trail.begin(crossing, Deadline.after(1))
    outcome = Outcome("COMPLETED", 200, "e", 1, 1, "u", 1, 1, 1, 1, 1, "api_key", "v", 600, "host", "us-east-1")
    trail.finish(crossing, outcome, 1, Deadline.after(1))
    trail.abandon(RecordKey("id", "2026-11-22T12:00:00.000Z"), Deadline.after(1))
    begun, *updates = recorder.items
    written = set(begun["Item"])  # type: ignore[call-overload]
    for update in updates:
        written |= set(update["ExpressionAttributeNames"].values())  # type: ignore[attr-defined]
    documented = set(re.findall(r"`(\w+)`", section(ROUTER_README, "Audit record").split("\n\n")[-1]))
    assert written - {"dayShard", "callerDayShard", "outcomeDayShard", "timeKey"} == documented


def test_the_api_document_and_the_routes_agree() -> None:
    operations = {
        (method.upper(), path)
        for path, item in OPENAPI["paths"].items()
        for method in item
        if method in ("get", "put", "post", "delete", "patch")
    }
    assert operations == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        if route.upstream or route.refusal:
            assert f"| `{route.method} {route.path}`, {route.operation} |" in ROUTER_README
        else:
            assert f"### {route.method} {route.path}\n" in ROUTER_README


def test_the_dashboard_parameters_agree() -> None:
    from inference_proxy.operations.dashboard import _PARAMETERS

    in_document = {parameter["name"] for parameter in OPENAPI["paths"]["/dashboard/requests"]["get"]["parameters"]}
    table = section(ROUTER_README, "HTTP API").split("### GET /dashboard/requests\n")[1].split("\n### ")[0]
    in_readme = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))
    assert in_document == set(_PARAMETERS) == in_readme


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_module_readmes_are_complete(module: Path) -> None:
    readme = (module / "README.md").read_text()
    assert module.parent.name != "modules" or "```hcl" in section(readme, "Example")
    for kind, heading in (("variable", "Inputs"), ("output", "Outputs")):
        sources = "\n".join(path.read_text() for path in module.glob("*.tf"))
        names = re.findall(rf'^{kind} "(\w+)"', sources, re.MULTILINE)
        rows = re.findall(r"^\| `(\w+)` \|", section(readme, heading), re.MULTILINE)
        assert names
        assert sorted(rows) == sorted(names)


COMMAND_READMES = ["README.md", "scripts/README.md", "tests/README.md", "terraform/README.md"]
COMMAND_READMES += [str(path.relative_to(REPOSITORY)) for path in REPOSITORY.glob("terraform/examples/*/README.md")]
COMMAND_READMES.append("terraform/commercial/README.md")


@pytest.mark.parametrize("readme", COMMAND_READMES)
def test_commands_and_files_in_readmes_exist(readme: str) -> None:
    text = (REPOSITORY / readme).read_text()
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)\b(?= ENV| TWIN|`|\s+#|$)", text, re.MULTILINE)) <= targets
    for path in re.findall(r"\b((?:scripts|terraform|tests|lambda_src)/[\w./-]+\.(?:py|sh|tf|md|yaml))\b", text):
        assert (REPOSITORY / path).exists(), path
    for script in re.findall(r"^(?:\w+=\S+ )*(scripts/[\w.-]+)", text, re.MULTILINE):
        assert (REPOSITORY / script).stat().st_mode & 0o100, f"{script} cannot be run as written"
    for path, test in re.findall(r"`((?:unit|contract|integration|environments)/\w+\.py)(?:::(\w+))?`", text):
        assert f"def {test}" in (REPOSITORY / "tests" / path).read_text(), (path, test)


def test_every_script_is_described() -> None:
    text = (REPOSITORY / "scripts/README.md").read_text()
    for script in (*REPOSITORY.glob("scripts/*.sh"), *REPOSITORY.glob("scripts/*.py")):
        assert f"`{script.name}" in text, script.name


def test_no_credential_is_committed() -> None:
    """[4] [9]."""
    pattern = r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|ABSK[A-Za-z0-9+/=]{60,}|bedrock-api-key-[A-Za-z0-9+/=]{40,}"
    found = subprocess.run(["git", "grep", "-nE", pattern], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert found.stdout == ""
