"""Sign requests to the API for clients that cannot: Claude Code, LiteLLM, the OpenAI and Anthropic SDKs, curl.

Usage: connect.py [ENV]

It listens on 127.0.0.1, signs what comes with the AWS credentials of this shell for the service execute-api, and passes
answers on as they arrive. It takes requests of programs on this machine only, and of no foreign web page.

Environment:
    API_URL      the API's base URL, if no ENV is given; ENV takes it from the infrastructure's outputs
    PORT         where to listen (8787; 0 takes a free one)
    AWS_PROFILE  whose credentials sign; without it the AWS SDKs' default chain
    AWS_REGION   the API's region, if its host name does not say
    CONNECT_KEY  if set, a request must carry it as a bearer token or as x-api-key: for machines with other users
    HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE    as the AWS SDKs take them; a loopback URL never goes through a proxy
"""

import logging
import os
import signal
import sys

from signing_proxy.api import Api
from signing_proxy.credentials import CallerCredentials
from signing_proxy.errors import RelayError
from signing_proxy.server import LOG, SigningProxy
from signing_proxy.target import Target, find_target

_DEFAULT_PORT = "8787"


def main(environment: str | None) -> None:
    """Serve until a signal ends it."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    LOG.setLevel(logging.INFO)
    target = find_target(environment)
    credentials = CallerCredentials()
    key = os.environ.get("CONNECT_KEY")
    with _listen(os.environ.get("PORT") or _DEFAULT_PORT, Api(target, credentials), key) as proxy:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, proxy.stop)
        try:
            print(_instructions(proxy.url, target, key), flush=True)
            _look_for(credentials)
            proxy.serve_forever()
        except KeyboardInterrupt:
            print("stopped", flush=True)


def _look_for(credentials: CallerCredentials) -> None:
    try:
        credentials.keys()
    except RelayError as error:
        print(f"note: {error}", file=sys.stderr, flush=True)


def _listen(port: str, api: Api, key: str | None) -> SigningProxy:
    if not port.isdecimal() or int(port) > 65535:
        raise SystemExit(f"error: PORT={port} is not a port")
    try:
        return SigningProxy(int(port), api, key)
    except OSError as error:
        raise SystemExit(f"error: PORT={port} cannot be used: {error.strerror}") from None


def _instructions(url: str, target: Target, key: str | None) -> str:
    signer = f"profile {os.environ['AWS_PROFILE']}" if os.environ.get("AWS_PROFILE") else "the default credentials"
    return f"""signing for {target.url} in {target.region} with {signer}
listening on {url}; Ctrl-C ends it. In another shell:

{_settings_with_key(url) if key else _settings(url)}
"""


def _settings(url: str) -> str:
    return f"""\
  Claude Code, Anthropic SDK   export ANTHROPIC_BASE_URL={url}/anthropic ANTHROPIC_AUTH_TOKEN=unused
  Claude Code as for Bedrock   export ANTHROPIC_BEDROCK_BASE_URL={url}
                               export CLAUDE_CODE_USE_BEDROCK=1 CLAUDE_CODE_SKIP_BEDROCK_AUTH=1
  OpenAI SDK                   export OPENAI_BASE_URL={url}/openai/v1 OPENAI_API_KEY=unused
  LiteLLM                      model "bedrock/<model id>", aws_bedrock_runtime_endpoint="{url}"
                               model "openai/<model id>", api_base="{url}/openai/v1", api_key="unused"
  AWS SDKs and CLI             export AWS_ENDPOINT_URL_BEDROCK_RUNTIME={url} AWS_ENDPOINT_URL_BEDROCK={url}
  curl                         curl {url}/bedrock/models"""


def _settings_with_key(url: str) -> str:
    """Those of clients that can carry the key: those that sign, or leave that out, cannot."""
    return f"""\
  Claude Code, Anthropic SDK   export ANTHROPIC_BASE_URL={url}/anthropic ANTHROPIC_AUTH_TOKEN=$CONNECT_KEY
  OpenAI SDK                   export OPENAI_BASE_URL={url}/openai/v1 OPENAI_API_KEY=$CONNECT_KEY
  LiteLLM                      model "openai/<model id>", api_base="{url}/openai/v1", api_key="$CONNECT_KEY"
  curl                         curl --header "x-api-key: $CONNECT_KEY" {url}/bedrock/models"""


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    main(sys.argv[1] if len(sys.argv) == 2 else None)
