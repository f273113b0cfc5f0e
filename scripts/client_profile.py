"""Point the AWS SDKs and the AWS CLI at the API, in one AWS profile: everything else of the machine stays as it is.

Usage: client_profile.py [ENV]           write the profile
       client_profile.py [ENV] --show    print how each client is configured, and write nothing
       client_profile.py --remove        take back what was written

With the profile, boto3, the AWS CLI and what is built on them call the API where their code says Bedrock, signed for
the service execute-api: a `services` section names the API's URL, and `data_path` a folder with two files that tell
botocore what to sign for. No other profile reads them.

Environment:
    API_URL          the API's base URL, if no ENV is given; ENV takes it from the infrastructure's outputs
    PROFILE          the profile's name (bedrock-commercial)
    SOURCE_PROFILE   whose credentials a new profile uses, through the AWS CLI 2: a role's, SSO's, keys; without it
                     those of AWS_PROFILE, if that is another profile, else those of default
    AWS_REGION       the API's region, if its host name does not say
    AWS_CONFIG_FILE  the file to write (~/.aws/config); the folder with the two files is beside it
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import botocore.session
from botocore.exceptions import BotoCoreError

from aws_config_file import AwsConfigFile
from signing_proxy.target import Target, find_target

_SIGN_FOR_EXECUTE_API = {"version": 1.0, "merge": {"metadata": {"signingName": "execute-api"}}}
_OVERLAY = ("bedrock/2023-04-20", "bedrock-runtime/2023-09-30")  # service and API version, as in botocore's data
# Beside one of them a credential_process may come first or second, from SDK to SDK.
_OWN_CREDENTIALS = {"aws_access_key_id", "login_session", "role_arn", "sso_account_id", "sso_session"}
_OVERRIDING = (
    *("AWS_DATA_PATH", "AWS_DEFAULT_REGION", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
    *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_BEDROCK", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
)


class ClientProfile:
    """A profile of the AWS config file, and the `services` section of the same name."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@-]*", name) or name == "default":
            raise SystemExit(f"error: PROFILE={name}: a name of its own, of letters, digits and . _ @ -")
        self.name = name
        path = os.path.expandvars(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config")  # as botocore reads it
        self._path = Path(path).expanduser().absolute()
        self._folder = self._path.parent / "cross-partition-inference"
        self._data_path = str(self._folder / "models")
        if os.pathsep in self._data_path or "$" in self._data_path:
            raise SystemExit(f"error: botocore reads no data_path with '{os.pathsep}' or '$': {self._data_path}")

    def write(self, target: Target, source: str | None) -> None:
        """Write the two files and the profile; say where its credentials come from and what it does."""
        file, command = self._without_additions()
        credentials = "as before"
        present = _settings(self.name, file)
        own = sorted(_OWN_CREDENTIALS & present.keys())
        if source and own:
            raise SystemExit(
                f"error: profile {self.name} has credentials of its own ({own[0]}), not those of {source}; "
                "nothing was changed. Choose another PROFILE, or leave SOURCE_PROFILE out"
            )
        if source or not (command or present):
            command, credentials = _credential_process(source, self.name, file)
        options = {"region": target.region, "data_path": self._data_path, "services": self.name}
        options |= {"credential_process": command} if command else {}
        endpoint = f"\nendpoint_url = {target.url}"
        file.add(f"profile {self.name}", options)
        file.add(f"services {self.name}", {"bedrock": endpoint, "bedrock_runtime": endpoint})
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # not the mode of the folders inside
        for service in _OVERLAY:
            extras = Path(self._data_path, service, "service-2.sdk-extras.json")
            extras.parent.mkdir(parents=True, exist_ok=True)
            extras.write_text(json.dumps(_SIGN_FOR_EXECUTE_API) + "\n")
        file.write()
        print(f"wrote profile {self.name} to {self._path}\ncredentials: {credentials}")
        print(f"boto3, langchain-aws:  export AWS_PROFILE={self.name}")
        # The CLI sets AWS_DATA_PATH itself, to its own data behind what is there, and so passes over the profile's.
        print(f"AWS CLI:               export AWS_PROFILE={self.name} AWS_DATA_PATH={shlex.quote(self._data_path)}")
        try:
            self._check(target)
        except (BotoCoreError, OSError, ValueError) as error:  # what a credential_process leads to
            print(
                f"note: the credentials cannot be had yet: {str(error).strip()}\n"
                "Log in first (aws sso login, or however they are had), and run this again to check the profile",
                file=sys.stderr,
            )

    def remove(self) -> None:
        """Remove what `write` wrote; the two files once no profile names them."""
        file, _ = self._without_additions()
        if self._path.exists():
            file.write()
        if self._data_path not in file.text:
            shutil.rmtree(self._folder, ignore_errors=True)
        print(f"profile {self.name} is in {self._path} as it was before, or not at all")

    def _without_additions(self) -> tuple[AwsConfigFile, str]:
        """The file before `write`, and the credential_process that was written, if any."""
        file, header = AwsConfigFile(self._path), f"profile {self.name}"
        options = file.section(header) or {}
        file.remove(f"services {self.name}")
        return file, options["credential_process"] if "credential_process" in file.remove(header) else ""

    def _check(self, target: Target) -> None:
        """Ask botocore, in this very shell, what it makes of the profile."""
        for service in ("bedrock-runtime", "bedrock"):
            meta = botocore.session.Session(profile=self.name).create_client(service).meta
            url, region, signing_name = meta.endpoint_url, meta.region_name, meta.service_model.signing_name
            if (url, region, signing_name) != (target.url, target.region, "execute-api"):
                set_here = ", ".join(name for name in _OVERRIDING if os.environ.get(name))
                print(
                    f"note: in this shell {service} goes to {url}, signed for {signing_name} in {region}: "
                    f"the profile is overridden by {set_here or 'service data in ~/.aws/models'}",
                    file=sys.stderr,
                )


def _settings(name: str, config: AwsConfigFile) -> dict[str, str]:
    """What the config file and the credentials file say of a profile."""
    path = os.path.expandvars(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials")
    in_config = config.section(f"profile {name}") or (config.section(name) if name == "default" else None) or {}
    return in_config | (AwsConfigFile(Path(path).expanduser()).section(name) or {})


def _credential_process(source: str | None, name: str, config: AwsConfigFile) -> tuple[str, str]:
    """The command that a new profile gets its credentials from, if any, and the same in words."""
    in_shell = os.environ.get("AWS_PROFILE")
    variable = "SOURCE_PROFILE" if source else "AWS_PROFILE"
    source = source or (in_shell if in_shell != name else None)
    if source == name or (source and not _settings(source, config)):
        raise SystemExit(f"error: {variable}={source} is no other AWS profile of this machine")
    if not source and not _settings("default", config):
        return "", "the environment's (with AWS_PROFILE, not --profile), or the instance's or container's role"
    source = source or "default"
    aws = shutil.which("aws")
    version = subprocess.run([aws, "--version"], capture_output=True, text=True, check=False).stdout if aws else ""
    if not aws or not version.startswith("aws-cli/2"):
        advice = f"The AWS CLI 2 on PATH would hand over those of {source}; without it: aws configure --profile {name}"
        return "", f"none yet. {advice}"
    # A CLI that runs it passes its own AWS_DATA_PATH on, and that of the CLI 1 breaks the CLI 2.
    command = ["env", "-u", "AWS_DATA_PATH", str(Path(aws).absolute()), "configure", "export-credentials"]
    return shlex.join([*command, "--profile", source]), f"those of profile {source}, through the AWS CLI"


def instructions(target: Target, profile: str) -> str:
    """How each client is pointed at the API."""
    url, region = target.url, target.region
    return f"""boto3, AWS CLI, langchain-aws
  make client-profile, then: export AWS_PROFILE={profile}
  In code instead, beside AWS_DATA_PATH=<the folder that make client-profile writes>:
    boto3.client("bedrock-runtime", region_name="{region}", endpoint_url="{url}")
    ChatBedrockConverse(model="<model id>", region_name="{region}", endpoint_url="{url}")

AWS SDK for JavaScript
  new BedrockRuntimeClient({{
    region: "{region}", endpoint: "{url}",
    signingName: "execute-api", authSchemePreference: ["sigv4"],
    requestHandler: new NodeHttpHandler(),  // of @smithy/node-http-handler: HTTP/1.1
  }})

Anthropic SDK, OpenAI SDK, Claude Code, LiteLLM
  They cannot sign for execute-api: make connect does it for them, and prints their settings.

curl
  curl --aws-sigv4 aws:amz:{region}:execute-api --config <file with user = "key id:secret"> {url}/bedrock/models
  With a session token also --header "x-amz-security-token: <token>". Before version 8.14 curl signs a path with
  `:` or `%` in it wrongly; scripts/call.sh and make connect do not."""


def main(arguments: list[str]) -> None:
    """Do what the arguments say."""
    options = [argument for argument in arguments if argument.startswith("-")]
    environments = [argument for argument in arguments if argument not in options]
    if len(options) > 1 or len(environments) > 1 or not set(options) <= {"--show", "--remove"}:
        raise SystemExit(__doc__)
    profile = ClientProfile(os.environ.get("PROFILE") or "bedrock-commercial")
    if options == ["--remove"]:
        profile.remove()
        return
    target = find_target(environments[0] if environments else None)
    if options == ["--show"]:
        print(instructions(target, profile.name))
    else:
        profile.write(target, os.environ.get("SOURCE_PROFILE") or None)


if __name__ == "__main__":
    main(sys.argv[1:])
