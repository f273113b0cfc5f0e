"""The AWS profile that points the SDKs and the CLI at the API: what they then send, and what becomes of the file."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import botocore.loaders
import pytest

import client_profile
from aws_config_file import AwsConfigFile
from deployment import REPOSITORY
from tests.contract.clients.signed_api import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, STAGE, SignedApi

API_URL = "https://abcde12345.execute-api.us-gov-west-1.amazonaws.com/v1"
AWS_CLI = (str(REPOSITORY / ".local/clients-venv/bin/python"), "-m", "awscli")
KEYS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
PROFILE = {"AWS_PROFILE": "bedrock-commercial"}
CONVERSE = """
import boto3
bedrock = boto3.client("bedrock-runtime")
bedrock.converse(modelId="arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a", messages=[])
boto3.client("bedrock").list_foundation_models()
"""

Write = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home, and a shell that knows nothing of AWS yet."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "HTTP", "http"))]:
        monkeypatch.delenv(name)
    home = tmp_path / "home of somebody"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("API_URL", API_URL)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return home


@pytest.fixture
def config(home: Path) -> Path:
    """The user's AWS config file, not there yet."""
    (home / ".aws").mkdir()
    return home / ".aws/config"


@pytest.fixture
def write(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Write:
    """Runs the script; what it printed."""

    def write(*arguments: str, **environ: str) -> str:
        with monkeypatch.context() as shell:
            for name, value in environ.items():
                shell.setenv(name, value)
            client_profile.main(list(arguments))
        printed = capsys.readouterr()
        return printed.out + printed.err

    return write


def run(command: tuple[str, ...], home: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A program in the user's shell."""
    shell = {"HOME": str(home), "PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"}
    return subprocess.run(command, env=shell | environ, capture_output=True, text=True, check=False, cwd=home)


# --- What clients then send ---


@pytest.mark.parametrize(
    "environ", [{}, {"AWS_BEARER_TOKEN_BEDROCK": "made-up"}, {"AWS_USE_FIPS_ENDPOINT": "true"}], ids=str
)
def test_boto3_calls_the_api_by_the_profile_alone(
    api: SignedApi, home: Path, write: Write, environ: dict[str, str]
) -> None:
    write(API_URL=api.url + STAGE, AWS_REGION=REGION)
    result = run((sys.executable, "-c", CONVERSE), home, **KEYS, **PROFILE, **environ)
    assert (result.returncode, result.stderr) == (0, "")
    assert api.refused == []
    assert [request.target for request in api.received] == [
        "/v1/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fa/converse",
        "/v1/foundation-models",
    ]
    assert "made-up" not in str([request.headers for request in api.received]).replace(ACCESS_KEY_ID, "")


@pytest.mark.parametrize("environ", [{}, {"AWS_BEARER_TOKEN_BEDROCK": "made-up"}], ids=str)
def test_the_cli_calls_the_api_with_the_data_path_in_its_environment(
    api: SignedApi, home: Path, write: Write, environ: dict[str, str]
) -> None:
    printed = write(API_URL=api.url + STAGE, AWS_REGION=REGION)
    line = next(line for line in printed.splitlines() if line.startswith("AWS CLI:"))
    set_up = line.removeprefix("AWS CLI:")
    for command in ("bedrock-runtime converse --model-id a.b-v1:0 --messages '[]'", "bedrock list-foundation-models"):
        script = f'{set_up}; exec "{AWS_CLI[0]}" -m awscli {command}'
        result = run(("/bin/sh", "-c", script), home, **KEYS, **environ)
        assert (result.returncode, result.stderr) == (0, "")
    assert api.refused == []
    assert [request.target for request in api.received] == ["/v1/model/a.b-v1%3A0/converse", "/v1/foundation-models"]
    assert "made-up" not in str([request.headers for request in api.received]).replace(ACCESS_KEY_ID, "")


@pytest.mark.parametrize("profile", ["default", "other"])
def test_other_profiles_go_to_bedrock_as_before(home: Path, config: Path, write: Write, profile: str) -> None:
    config.write_text("[default]\nregion = us-gov-west-1\n[profile other]\nregion = us-gov-west-1\n")
    ask = """
import boto3
meta = boto3.client("bedrock-runtime").meta
print(meta.endpoint_url, meta.service_model.signing_name)
"""
    before = run((sys.executable, "-c", ask), home, AWS_PROFILE=profile).stdout
    write()
    assert run((sys.executable, "-c", ask), home, AWS_PROFILE=profile).stdout == before
    assert before == "https://bedrock-runtime.us-gov-west-1.amazonaws.com bedrock\n"
    assert run((sys.executable, "-c", ask), home, **PROFILE).stdout == f"{API_URL} execute-api\n"


def test_the_two_files_are_for_the_versions_that_botocore_has() -> None:
    loader = botocore.loaders.Loader()
    for service, version in (path.split("/") for path in client_profile._OVERLAY):
        assert loader.determine_latest_version(service, "service-2") == version


# --- Whose credentials ---


def install_cli(home: Path, version: str, logged_in: bool = True) -> dict[str, str]:
    """An AWS CLI that hands out the keys of profile `work`, if logged in; what a shell needs to find it."""
    folder = home / "my bin"
    folder.mkdir()
    document = {"Version": 1, "AccessKeyId": ACCESS_KEY_ID, "SecretAccessKey": SECRET_ACCESS_KEY}
    (folder / "aws").write_text(
        "#!/bin/sh\n"
        f"[ \"$*\" != --version ] || exec echo 'aws-cli/{version} Python/3.11'\n"
        "[ \"$*\" = 'configure export-credentials --profile work' ] || exit 1\n"
        f"{'' if logged_in else 'echo The SSO session has expired >&2; exit 255'}\n"
        f"echo '{json.dumps(document)}'\n"
    )
    (folder / "aws").chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def test_a_new_profile_has_the_credentials_of_its_source(
    api: SignedApi, home: Path, config: Path, write: Write
) -> None:
    """Whatever these are: the CLI knows how to get them."""
    config.write_text("[profile work]\nsso_session = company\n")
    shell = install_cli(home, "2.36.7")
    printed = write(API_URL=api.url + STAGE, AWS_REGION=REGION, SOURCE_PROFILE="work", **shell)
    assert "credentials: those of profile work" in printed
    assert write(API_URL=api.url + STAGE, AWS_REGION=REGION, **shell)  # the default does not take its place
    result = run((sys.executable, "-c", CONVERSE), home, **PROFILE)
    assert (result.returncode, result.stderr) == (0, "")
    assert len(api.received) == 2


@pytest.mark.parametrize(
    ("environ", "source"),
    [
        ({}, "default"),
        ({"AWS_PROFILE": "work"}, "work"),
        ({"AWS_PROFILE": "bedrock-commercial"}, "default"),
        ({"AWS_PROFILE": "work", "SOURCE_PROFILE": "other"}, "other"),
    ],
    ids=str,
)
def test_the_source_is_the_one_named_or_the_shells_or_the_default(
    home: Path, config: Path, write: Write, environ: dict[str, str], source: str
) -> None:
    config.write_text("".join(f"[{name}]\nsso_session = x\n" for name in ("default", "profile work", "profile other")))
    assert f"credentials: those of profile {source}," in write(**install_cli(home, "2.36.7"), **environ)
    assert f"export-credentials --profile {source}\n" in config.read_text()


def test_an_expired_login_is_a_note_behind_what_to_export(home: Path, config: Path, write: Write) -> None:
    config.write_text("[profile work]\nsso_session = company\n")
    printed = write(SOURCE_PROFILE="work", **install_cli(home, "2.36.7", logged_in=False))
    export, note = printed.index("export AWS_PROFILE=bedrock-commercial"), printed.index("note: the credentials")
    assert export < note
    assert "The SSO session has expired\nLog in first (aws sso login" in printed
    assert "credential_process" in config.read_text()


@pytest.mark.parametrize("version", ["1.46.3", None])
def test_without_the_cli_2_one_is_told_what_to_do(home: Path, config: Path, write: Write, version: str | None) -> None:
    config.write_text("[default]\nregion = us-gov-west-1\n")
    printed = write(**(install_cli(home, version) if version else {}))
    assert "credentials: none yet" in printed
    assert "aws configure --profile bedrock-commercial" in printed
    assert "credential_process" not in config.read_text()


def test_without_a_default_profile_the_environments_credentials_serve(config: Path, write: Write) -> None:
    assert "credentials: the environment's" in write()
    assert "credential_process" not in config.read_text()


def test_a_profile_of_the_credentials_file_keeps_its_own(home: Path, config: Path, write: Write) -> None:
    config.write_text("[default]\nregion = us-gov-west-1\n")
    (home / ".aws/credentials").write_text("[bedrock-commercial]\naws_access_key_id = x\naws_secret_access_key = y\n")
    assert "credentials: as before" in write(**install_cli(home, "2.36.7"))
    assert "credential_process" not in config.read_text()


@pytest.mark.parametrize("file", ["config", "credentials"])
def test_a_profile_with_its_own_credentials_gets_no_others(config: Path, write: Write, file: str) -> None:
    own = "aws_access_key_id = x\naws_secret_access_key = y\n"
    config.write_text("[profile work]\nsso_session = company\n[profile bedrock-commercial]\noutput = json\n")
    header = "" if file == "config" else "[bedrock-commercial]\n"
    with (config.parent / file).open("a") as text:
        text.write(header + own)
    before = config.read_bytes()
    with pytest.raises(SystemExit, match=r"credentials of its own \(aws_access_key_id\), not those of work"):
        write(SOURCE_PROFILE="work")
    assert config.read_bytes() == before


def test_the_shells_profile_must_be_there(config: Path, write: Write) -> None:
    with pytest.raises(SystemExit, match="AWS_PROFILE=nobody is no other AWS profile"):
        write(AWS_PROFILE="nobody")
    assert not config.exists()


@pytest.mark.parametrize("source", ["nobody", "bedrock-commercial"])
def test_a_source_must_be_another_profile(config: Path, write: Write, source: str) -> None:
    with pytest.raises(SystemExit, match=f"SOURCE_PROFILE={source} is no other AWS profile"):
        write(SOURCE_PROFILE=source)
    assert not config.exists()


# --- What becomes of the file ---

OWN = """# my own notes
[default]
region=us-gov-east-1   ; trailing
s3 =
    max_concurrent_requests = 20
    # a comment in between

[profile "spaced name"]
role_arn = arn:aws-us-gov:iam::123456789012:role/x
\tsource_profile = default

[services others]
s3 =
  endpoint_url = https://s3.example.com
"""
EXISTING = "[profile bedrock-commercial]\n# mine\noutput = json\ns3 =\n  addressing_style = path\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        OWN,
        OWN.replace("\n", "\r\n"),
        OWN + EXISTING,
        EXISTING + OWN,
        EXISTING.replace("profile bedrock", 'profile  "bedrock').replace("commercial]", 'commercial"]'),
        OWN + EXISTING + "region = us-gov-west-1\n",
        OWN + "[services bedrock-commercial]\ns3 =\n  endpoint_url = https://s3.example.com\n",
        "[profile bedrock-commercial]",
        "# \u00e4\u2028\x0c\n[default]\n",
    ],
)
def test_what_was_there_stays_to_the_byte(config: Path, write: Write, text: str) -> None:
    before = text.encode()
    config.write_bytes(before)
    write()
    written = config.read_bytes()
    remaining = [line for line in before.splitlines() if line not in written.splitlines()]
    assert remaining == []
    assert (b"\r\n" in before) == (b"\r\n" in written)
    assert b"\n" not in written.replace(b"\r\n", b"") if b"\r\n" in before else True
    write()
    assert config.read_bytes() == written
    write("--remove")
    assert config.read_bytes() == before + (b"\n" if before and not before.endswith(b"\n") else b"")


def test_settings_made_later_stay(home: Path, config: Path, write: Write) -> None:
    config.write_text(OWN)
    write()
    for name, value in (("output", "text"), ("cli_pager", "cat")):
        assert (
            run((*AWS_CLI, "configure", "set", name, value, *("--profile", "bedrock-commercial")), home).returncode == 0
        )
    config.write_text(config.read_text() + "\n[profile later]\nregion = us-gov-east-1\n")
    other = API_URL.replace("abcde", "other")
    assert other in write(API_URL=other) + config.read_text()
    assert API_URL not in config.read_text()
    section = AwsConfigFile(config).section("profile bedrock-commercial")
    assert section
    assert (section["output"], section["cli_pager"], section["services"]) == ("text", "cat", "bedrock-commercial")
    write("--remove")
    left = "\n[profile bedrock-commercial]\noutput = text\ncli_pager = cat\n"
    assert config.read_text() == OWN + left + "\n[profile later]\nregion = us-gov-east-1\n"


@pytest.mark.parametrize("line", ["region = us-gov-east-1", "data_path = /mine", "services = mine"])
def test_a_profile_that_says_otherwise_is_left_alone(config: Path, write: Write, line: str) -> None:
    config.write_text(f"[profile bedrock-commercial]\n{line}\n[services mine]\nx = y\n")
    before = config.read_bytes()
    with pytest.raises(SystemExit, match=rf"has {line}.*Choose another PROFILE"):
        write()
    assert config.read_bytes() == before
    assert "wrote profile another" in write(PROFILE="another")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("region = x\n", "line 1"),
        ("[default]\nXP-CANARY\n", "line 2"),
        ("[a]\n[a]\n", "line 2"),
        ("[a]\nb = 1\nb = 2\n", "line 3"),
        ("# \udce4\n", "its nested settings and its characters"),
        ("[default]\ns3 =\n  XP-CANARY\n", "its nested settings"),
    ],
)
def test_a_file_that_the_sdks_cannot_read_is_left_alone(config: Path, write: Write, text: str, where: str) -> None:
    before = text.encode(errors="surrogateescape")
    config.write_bytes(before)
    with pytest.raises(SystemExit, match=f"cannot read .*/config: see {where}.* Nothing was changed") as refused:
        write()
    assert "XP-CANARY" not in str(refused.value)
    assert config.read_bytes() == before


def test_a_folder_is_no_file(config: Path, write: Write) -> None:
    config.mkdir()
    with pytest.raises(SystemExit, match="is not a file"):
        write()


def test_mode_and_links_stay(home: Path, config: Path, write: Write) -> None:
    write()
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    dotfile = home / "dotfiles-config"
    config.rename(dotfile)
    dotfile.chmod(0o640)
    config.symlink_to(dotfile)
    write("--remove")
    assert config.is_symlink()
    assert stat.S_IMODE(dotfile.stat().st_mode) == 0o640
    assert dotfile.read_text() == ""


def test_a_new_folder_is_its_users_alone(home: Path, write: Write) -> None:
    write()
    assert stat.S_IMODE((home / ".aws").stat().st_mode) == 0o700


def test_a_write_that_fails_leaves_the_file_as_it_was(
    config: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(OWN)

    def full(_file: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as machine:
        machine.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write()
    assert config.read_text() == OWN
    assert [path.name for path in config.parent.iterdir() if path.is_file()] == ["config"]


def test_another_file_has_the_folder_beside_it(home: Path, write: Write) -> None:
    environ = {"AWS_CONFIG_FILE": "~/elsewhere/$NAME", "NAME": "aws"}
    write(**environ)
    assert "[profile bedrock-commercial]" in (home / "elsewhere/aws").read_text()
    assert (home / "elsewhere/cross-partition-inference/models/bedrock").is_dir()
    assert not (home / ".aws").exists()


def test_the_two_files_go_with_the_last_profile(config: Path, write: Write) -> None:
    folder = config.parent / "cross-partition-inference"
    for name in ("first", "second"):
        write(PROFILE=name)
    write("--remove", PROFILE="first")
    assert folder.is_dir()
    write("--remove", PROFILE="second")
    assert not folder.exists()
    write("--remove")  # where there is nothing
    config.unlink()
    write("--remove")
    assert not config.exists()


# --- What it says ---


def test_variables_that_override_the_profile_are_named(config: Path, write: Write) -> None:
    printed = write(AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert "note: in this shell bedrock-runtime goes to http://127.0.0.1:9" in printed
    assert "overridden by AWS_ENDPOINT_URL" in printed
    assert "note" not in write(AWS_DATA_PATH=str(config.parent / "cross-partition-inference/models"))


def test_showing_writes_nothing(home: Path, write: Write) -> None:
    printed = write("--show")
    for client in ("boto3", "AWS CLI", "langchain-aws", "JavaScript", "Anthropic", "OpenAI", "curl"):
        assert client in printed
    assert f'endpoint: "{API_URL}",' in printed
    for setting in ('signingName: "execute-api"', 'authSchemePreference: ["sigv4"]', "new NodeHttpHandler()"):
        assert setting in printed
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["default", "a b", "a]", "", "-x", "a\nb"])
def test_a_name_that_is_none_is_refused(write: Write, name: str) -> None:
    if name:
        with pytest.raises(SystemExit, match="PROFILE="):
            write(PROFILE=name)
    else:
        assert "bedrock-commercial" in write(PROFILE=name)


def test_a_folder_that_botocore_would_split_is_refused(write: Write) -> None:
    with pytest.raises(SystemExit, match="botocore reads no data_path"):
        write(AWS_CONFIG_FILE="/tmp/a:b/config")  # noqa: S108


@pytest.mark.parametrize("arguments", [["--wrong"], ["dev", "prod"], ["--show", "--remove"]])
def test_other_arguments_show_the_usage(write: Write, arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"Usage: client_profile\.py"):
        write(*arguments)
