"""Serve the dashboard of an environment: what crosses its boundary, live, in a browser on this machine.

Usage: dashboard.py [ENV]

It listens on 127.0.0.1 and signs the page's questions to the API with the AWS credentials of this shell, which need
the policy `read-dashboard` of the infrastructure's output `caller_policies_json`. It only reads.

Environment:
    API_URL      the API's base URL, if no ENV is given; ENV takes it from the infrastructure's outputs
    PORT         where to listen (8788; 0 takes a free one)
    AWS_PROFILE, AWS_REGION, HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE    as connect.py takes them
"""

import logging
import os
import signal
import sys

from dashboard_deployment import find_deployment
from dashboard_server import DashboardServer
from signing_proxy.api import Api
from signing_proxy.credentials import CallerCredentials
from signing_proxy.server import LOG

_DEFAULT_PORT = "8788"


def main(environment: str | None) -> None:
    """Serve until a signal ends it."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    LOG.setLevel(logging.WARNING)  # a line for each poll would say nothing
    credentials = CallerCredentials()
    deployment = find_deployment(environment, credentials)
    port = os.environ.get("PORT") or _DEFAULT_PORT
    if not port.isdecimal() or int(port) > 65535:
        raise SystemExit(f"error: PORT={port} is not a port")
    try:
        server = DashboardServer(int(port), Api(deployment.target, credentials), deployment)
    except OSError as error:
        raise SystemExit(f"error: PORT={port} cannot be used: {error.strerror}") from None
    with server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, server.stop)
        try:
            print(f"dashboard of {deployment.target.url}\nopen {server.url}/ in a browser; Ctrl-C ends it", flush=True)
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopped", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    main(sys.argv[1] if len(sys.argv) == 2 else None)
