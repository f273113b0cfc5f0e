"""A stand-in for Commercial Amazon Bedrock: the far side of the boundary, on one loopback port.

It verifies every request before it answers: the bearer key must be known, or the SigV4 signature must be right for
service `bedrock`. It speaks the runtime API, the discovery API and the vendors' APIs on one port, answers the errors
Bedrock answers, and fails on demand. Run it on its own, or use `CommercialStandIn` as a context manager inside a test:

    python tests/fakes/commercial.py --port 0 --port-file FILE [--credentials FILE] [--region us-east-1 ...]
                                     [--logs-folder FOLDER]

    POST /model/{modelId}/invoke, .../invoke-with-response-stream, .../converse, .../converse-stream, .../count-tokens
    POST /guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply, /guardrail-checks/invoke
    POST, GET /async-invoke, GET /async-invoke/{invocationArn}
    POST /openai/v1/chat/completions, /openai/v1/responses, /anthropic/v1/messages
    GET  /foundation-models[/{id}], /foundation-model-availability/{id}, /inference-profiles[/{id}]
    POST /inference-profiles, /listTagsForResource

Streams are real event streams, or server-sent events on the vendors' paths, in chunks of one frame or event each.
Errors on the vendors' paths are in the vendor's shape; what of these shapes is documented and what is assumed is
written in commercial_openai.py, commercial_anthropic.py and commercial_vendor_errors.py. InvokeModel counts tokens in
headers, everything else in the body or at the end of the stream.

Tests steer it with a control API that needs no credential and is never in the request log:

    GET, DELETE /_twin/requests    what arrived, refused or not, without credentials (commercial_log.py); forget it
    GET, POST, DELETE /_twin/faults    {"fault": "throttle", "count": 2, "match": "/model/", ...parameters}, where
                                       `match` is the start of the path and query
    PUT  /_twin/models    {"<model or profile id>": {"inferenceTypesSupported": ["ON_DEMAND"]} or null}: what the lists
                          and details of it say instead, or nothing; invocation goes by the truth. {} ends it
    PUT  /_twin/credentials    {"api_keys": [...], "access_keys": [{"access_key_id", "secret_access_key",
                                "session_token"?, "expires_at"?}]}
    GET, PUT /_twin/clock    {"offset_seconds": 1200}: how far this side's clock is ahead of the machine's
    POST /_twin/deliver-logs    write what CloudTrail and the model invocation log have of the calls since the last time
                                into --logs-folder, which otherwise is done at the end (commercial_deliveries.py)
    GET  /_twin/health

With --account-url, credentials that are not its own are those of the twin's Commercial account (commercial_account.py),
which is asked at each request whose they are and what IAM allows; TWIN_IDENTIFY_TOKEN is what the account wants to see.

Follows the "Amazon Bedrock API Reference" and botocore's service models `bedrock` and `bedrock-runtime` for the
operations, and the AWS pages "Troubleshooting Amazon Bedrock API error codes", "API keys reference", "Inference
profiles", "Endpoints supported by Amazon Bedrock", "Actions, resources, and condition keys for Amazon Bedrock" and
"Create a signed AWS API request".

What it does NOT prove: that a model or a quota exists, that TLS or DNS work, how long a model takes or what it says,
tokenisation, caching, what a guardrail finds, that an asynchronous invocation writes to S3, or that AWS words an error
as it did when this was written; and without an account, that IAM allows a call. Sentences AWS does not document are
from public bug reports, or made up where there is none. Bidirectional streams, and whatever is not listed above, are
not offered (404).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # run as a file: make `tests.fakes` importable, as pytest's pythonpath does
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes.commercial_auth import DEFAULT_CREDENTIALS
from tests.fakes.commercial_fault_book import documented
from tests.fakes.commercial_iam import CommercialAccount
from tests.fakes.commercial_server import REGIONS, CommercialStandIn

__all__ = ["CommercialStandIn"]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="A stand-in for Commercial Amazon Bedrock on 127.0.0.1.",
        epilog="faults and their parameters:\n" + documented(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="written once the port accepts connections")
    parser.add_argument(
        "--credentials",
        type=Path,
        default=os.environ.get("COMMERCIAL_TWIN_CREDENTIALS"),
        help="JSON as for PUT /_twin/credentials; COMMERCIAL_TWIN_CREDENTIALS names one too",
    )
    parser.add_argument("--account-url", help="the twin's Commercial account; with it, its own credentials are none")
    parser.add_argument("--region", action="append", help="a Region to serve; repeat it; the first one is in the ARNs")
    parser.add_argument("--logs-folder", type=Path, help="where the account's logs go, with all prompts")
    options = parser.parse_args(arguments)
    account, credentials = None, DEFAULT_CREDENTIALS
    if options.account_url:
        account, credentials = CommercialAccount(options.account_url, os.environ["TWIN_IDENTIFY_TOKEN"]), {}
    if options.credentials:
        credentials = json.loads(Path(options.credentials).read_text())
    # Blocked here, so in every thread started below: the signal waits until this thread asks for it.
    stopping = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    regions = options.region or REGIONS
    with CommercialStandIn(
        port=options.port, credentials=credentials, regions=regions, account=account, logs_folder=options.logs_folder
    ) as stand_in:
        if options.port_file:  # renamed into place: a reader never sees half a number
            draft = options.port_file.with_name(options.port_file.name + ".draft")
            draft.write_text(f"{stand_in.port}\n")
            draft.replace(options.port_file)
        print(stand_in.port, flush=True)
        signal.sigwait(stopping)


if __name__ == "__main__":
    main()
