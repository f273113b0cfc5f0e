"""Let roles of this GovCloud account get identity tokens for other partitions, and print who issues them.

Usage: enable_federation.py

Once per account; it can be run again. The provider of this project's version has no resource for it. By itself it lets
nobody do anything: who may get which token is decided by IAM policies (terraform/modules/iam), and what a token is good
for by the Commercial account (terraform/commercial).
"""

import os
import sys

from deployment import client


def main() -> None:
    """Enable outbound web identity federation if it is off; print the issuer for terraform/commercial."""
    region = os.environ.get("AWS_REGION") or "us-gov-west-1"
    identity = client("sts", region).get_caller_identity()
    _, partition, *_ = identity["Arn"].split(":")
    iam = client("iam", region)
    try:
        issuer = iam.enable_outbound_web_identity_federation()["IssuerIdentifier"]
        state = "enabled"
    except iam.exceptions.FeatureEnabledException:
        issuer = iam.get_outbound_web_identity_federation_info()["IssuerIdentifier"]
        state = "enabled already"
    print(f"outbound federation of account {identity['Account']} ({partition}) is {state}", file=sys.stderr)
    print(issuer)


if __name__ == "__main__":
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    main()
