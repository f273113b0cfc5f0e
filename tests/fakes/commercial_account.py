"""The Commercial account of the offline twin: a second ministack 1.5.33, with the identities that ministack lacks.

1. STS AssumeRoleWithWebIdentity believes a token only after it has verified it (commercial_account_federation.py).
2. IAM has service-specific credentials for Amazon Bedrock: API keys (commercial_account_api_keys.py).
3. The stand-in for Bedrock (commercial.py) asks whose a credential is and what IAM allows
   (commercial_account_identities.py).

Start it in place of the `ministack` command, with root keys of its own:

    AUTH=true GATEWAY_PORT=4567 BIND_HOST=127.0.0.1 MINISTACK_REGION=us-east-1 MINISTACK_ACCOUNT_ID=210987654321 \
    AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... OIDC_KEYS_URL=http://127.0.0.1:4566/_aws/oidc \
    TWIN_IDENTIFY_TOKEN=... python commercial_account.py

OIDC_KEYS_URL stands for DNS and TLS: `https://<host>/<path>` of an issuer is read from `$OIDC_KEYS_URL/<host>/<path>`.
Without TWIN_IDENTIFY_TOKEN nobody can ask about credentials.

Its Bedrock is the emulator's, good enough for Terraform to keep settings in; nothing calls models there. The emulator
checks no signature of its root keys, and takes any 12 digits for root: an emulated account is for loopback only.
"""

import os

import commercial_account_api_keys  # noqa: F401 - imported for its effect
import commercial_account_federation  # noqa: F401 - imported for its effect
import commercial_account_identities  # noqa: F401 - imported for its effect
import policy_context  # noqa: F401 - imported for its effect
from ministack import app

if __name__ == "__main__":
    os.environ.setdefault("IOT_MTLS_ENABLED", "0")  # it would listen on every interface
    app.main()
