"""The three ways across, and what each needs to be told."""

import re
from dataclasses import dataclass

CREDENTIAL_MODES = ("api_key", "aws_keys", "federation")
_COMMERCIAL_ROLE = re.compile(r"arn:aws:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}")


@dataclass(frozen=True, slots=True)
class CredentialChoice:
    """How the router proves itself to Commercial: by the secret, or as a session of the role that it federates to."""

    mode: str
    secret_id: str  # "" with federation
    role_arn: str  # "" without federation, as the audience
    audience: str

    def problems(self) -> dict[str, str]:
        """What is wrong with it, by field."""
        if self.mode not in CREDENTIAL_MODES:
            return {"mode": f"must be one of {', '.join(CREDENTIAL_MODES)}"}
        federated = self.mode == "federation"
        needed = {"role_arn": self.role_arn, "audience": self.audience} if federated else {"secret_id": self.secret_id}
        problems = {field: "is required" for field, value in needed.items() if not value}
        if self.role_arn and not _COMMERCIAL_ROLE.fullmatch(self.role_arn):
            problems["role_arn"] = f"must match {_COMMERCIAL_ROLE.pattern}"
        return problems
