"""What holds for every Terraform module and root, read from its sources; their native tests show what they do."""

import re
from collections import Counter
from pathlib import Path

import pytest

TERRAFORM = Path(__file__).resolve().parents[2] / "terraform"
FOLDERS = sorted(path.parent for path in TERRAFORM.rglob("versions.tf"))
TESTED = [folder for folder in FOLDERS if folder.parent.name != "examples"]
# One module needs no provider: it has no region, and ARNs only to compare with.
OF_AWS = [folder for folder in FOLDERS if "required_providers" in (folder / "versions.tf").read_text()]
# A block at the left margin: its header, its first label, its body.
BLOCK = re.compile(r'^(variable|output|resource|data) "(\w+)"(?: "(\w+)")? \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)


def name_of(folder: Path) -> str:
    return str(folder.relative_to(TERRAFORM))


def source(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.glob("*.tf")))


def blocks(folder: Path, kind: str) -> dict[str, str]:
    """Bodies of the blocks of a kind, by name; of a resource, by its address."""
    found = {}
    for block_kind, label, second_label, body in BLOCK.findall(source(folder)):
        if block_kind == kind:
            found[f"{label}.{second_label}" if second_label else label] = body
    return found


def module_calls(folder: Path) -> list[str]:
    return re.findall(r'^module "\w+" \{\n(.*?)^\}', source(folder), re.MULTILINE | re.DOTALL)


def attribute(body: str, name: str) -> str | None:
    found = re.search(rf"^  {name} += (.*)$", body, re.MULTILINE)
    return found[1] if found else None


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_variables_and_outputs_are_typed_and_described(folder: Path) -> None:
    for name, body in blocks(folder, "variable").items():
        assert attribute(body, "description"), name
        assert attribute(body, "type"), name
        assert "any" not in re.findall(r"\w+", attribute(body, "type") or ""), name
        if attribute(body, "default") != "null":
            assert attribute(body, "nullable") == "false", f"{name}: null would get round the default"
    for name, body in blocks(folder, "output").items():
        assert attribute(body, "description"), name


@pytest.mark.parametrize("folder", TESTED, ids=name_of)
def test_every_value_that_can_be_wrong_is_validated(folder: Path) -> None:
    """Here, or by the module that gets it."""
    handed_on = set(re.findall(r"^  \w+ += var\.(\w+)", "".join(module_calls(folder)), re.MULTILINE))
    for name, body in blocks(folder, "variable").items():
        if attribute(body, "type") != "bool" and name not in handed_on:
            assert "validation {" in body, name


@pytest.mark.parametrize("folder", TESTED, ids=name_of)
def test_every_validation_is_made_to_fail(folder: Path) -> None:
    """As many failing runs of a variable, or of a resource with preconditions, as it has conditions."""
    tests = "\n".join(path.read_text() for path in folder.glob("tests/*.tftest.hcl"))
    failing = Counter(
        target.strip()
        for targets in re.findall(r"expect_failures = \[(.*?)\]", tests, re.DOTALL)
        for target in targets.split(",")
        if target.strip()
    )
    for name, body in blocks(folder, "variable").items():
        assert failing[f"var.{name}"] >= body.count("validation {"), name
    for kind in ("resource", "data"):
        for name, body in blocks(folder, kind).items():
            conditions = body.count("precondition {") + body.count("postcondition {")
            address = name if kind == "resource" else f"data.{name}"
            hits = sum(count for target, count in failing.items() if target.split("[")[0] == address)
            assert hits >= conditions, address


@pytest.mark.parametrize("folder", [folder for folder in TESTED if folder in OF_AWS], ids=name_of)
def test_both_regions_of_a_partition_are_tested(folder: Path) -> None:
    tests = "\n".join(path.read_text() for path in folder.glob("tests/*.tftest.hcl"))
    regions = ("us-east-1", "ca-central-1") if folder.name == "commercial" else ("us-gov-west-1", "us-gov-east-1")
    for region in regions:
        assert re.search(rf'^  region += "{region}"', tests, re.MULTILINE), region


@pytest.mark.parametrize("folder", OF_AWS, ids=name_of)
def test_partitions_are_asked_for_and_not_written_out(folder: Path) -> None:
    """GovCloud's ARNs come from data.aws_partition; only Commercial ARNs may be literal."""
    code = re.sub(r"^\s*#.*$|error_message += .*|description += .*", "", source(folder), flags=re.MULTILINE)
    assert "aws-us-gov" not in code
    if folder.name != "commercial":
        assert '"arn:aws:' not in code


@pytest.mark.parametrize("root", ["bootstrap", "infrastructure", "application", "commercial"])
def test_everything_is_tagged(root: str) -> None:
    assert "default_tags {" in source(TERRAFORM / root)


def test_what_checkov_skips_everywhere_is_the_one_place_that_needs_it() -> None:
    """.checkov.yaml skips by check, not by place: the places are held here."""
    sources = {path.relative_to(TERRAFORM): path.read_text() for path in TERRAFORM.rglob("*.tf")}
    places = {
        "a bucket without a customer managed key": r'sse_algorithm += "AES256"',
        "an IAM user": r'^resource "aws_iam_user" ',
        "a security group": r'^resource "aws_security_group" "(?!endpoints)',
    }
    found = {
        what: [str(path) for path, text in sources.items() if re.search(pattern, text, re.MULTILINE)]
        for what, pattern in places.items()
    }
    assert found == {
        "a bucket without a customer managed key": ["bootstrap/access_log_bucket.tf"],
        "an IAM user": ["commercial/api_key_user.tf"],
        "a security group": ["modules/vpc_egress/security_groups.tf"],
    }
