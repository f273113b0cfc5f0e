"""Store the Commercial credential in an environment's secret.

Usage: put_credential.py ENV < credential.json

The value comes from standard input, never from the command line, and is checked before it is stored:
    {"bedrock_api_key": "...", "region": "us-east-1", "expires_at": "2027-01-31T00:00:00Z"}
    {"aws_access_key_id": "...", "aws_secret_access_key": "...", "aws_session_token": "...", "region": "us-east-1"}
At a terminal it asks for a Bedrock API key instead.
"""

import getpass
import json
import sys

from deployment import REPOSITORY, application_inputs, client

sys.path.insert(0, str(REPOSITORY / "lambda_src"))
from inference_proxy.clock import Clock
from inference_proxy.errors import CredentialsMalformedError
from inference_proxy.secret import parse_secret


def main(environment: str) -> None:
    """Check the credential and make it the secret's current version."""
    if sys.stdin.isatty():
        text = json.dumps({"bedrock_api_key": getpass.getpass("Bedrock API key (not shown): ")})
    else:
        text = sys.stdin.read()
    inputs = application_inputs(environment)
    secret_id, mode = inputs["credential"]["secret_arn"], inputs["credential"]["mode"]
    if not secret_id:
        raise SystemExit(f"error: '{environment}' uses {mode}, so there is no secret; nothing was stored")
    try:
        credential = parse_secret(text, "us-east-1", mode, "", 0, Clock())
    except CredentialsMalformedError as error:
        raise SystemExit(f"error: {error}; nothing was stored") from None
    secrets = client("secretsmanager", inputs["region"])
    version = secrets.put_secret_value(SecretId=secret_id, SecretString=text.strip())["VersionId"]
    if credential.auth_mode == "api_key" and credential.expires_at is None:
        print("note: no alarm can warn of this key's end; `expires_at` in the JSON would say when", file=sys.stderr)
    if credential.auth_mode != mode:
        print(
            f"note: the variable `credential` says {mode}; {credential.auth_mode} is used all the same", file=sys.stderr
        )
    print(f"stored {credential.auth_mode} for {credential.region} as version {version}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
