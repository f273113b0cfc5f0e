"""Where the API is, for the scripts that point clients at it."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ProfileNotFound

from deployment import infrastructure_outputs

_REGION_IN_HOST = re.compile(r"\.execute-api\.([a-z0-9-]+)\.(?:vpce\.)?amazonaws\.com$")


@dataclass(frozen=True)
class Target:
    """The API's URL, ending in the stage and without a slash, and the region that signatures name."""

    url: str
    region: str

    @property
    def host(self) -> str:
        """Host, with the port if the URL names one: what the Host header says."""
        return urlsplit(self.url).netloc


def find_target(environment: str | None, environ: Mapping[str, str] = os.environ) -> Target:
    """The API of an environment, by its infrastructure's outputs, or else the one in API_URL; exits if there is none.

    The region is the one in the host name; behind a custom domain it is AWS_REGION, or that of the AWS profile.
    """
    url = _url_of(environment, environ) if environment else environ.get("API_URL", "")
    if not url:
        raise SystemExit("error: name the API: ENV=name, a folder of terraform/environments, or API_URL=https://...")
    url = url.rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.hostname and not (parts.query or parts.fragment or parts.username) and (parts.port or 443)
    except ValueError:
        valid = False
    if not valid or parts.scheme not in ("https", "http"):
        raise SystemExit(
            f"error: {url} is not the URL of an API, such as https://<id>.execute-api.<region>.<domain>/v1"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SystemExit(f"error: {url} is not https; only an API on this machine may do without")
    in_host = _REGION_IN_HOST.search(parts.hostname or "")
    region = in_host[1] if in_host else environ.get("AWS_REGION") or _region_of_profile()
    if not region:
        raise SystemExit(f"error: {parts.hostname} does not say its region; set AWS_REGION")
    return Target(url, region)


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _region_of_profile() -> str | None:
    try:
        region: str | None = boto3.Session().region_name
    except ProfileNotFound as error:
        raise SystemExit(f"error: {error}: AWS_PROFILE must name one of the AWS config file") from None
    return region


def _url_of(environment: str, environ: Mapping[str, str]) -> str:
    outputs = infrastructure_outputs(environment, environ)
    if "api_url" not in outputs:
        raise SystemExit(f"error: the infrastructure of '{environment}' is not applied: make apply ENV={environment}")
    return str(outputs["api_url"])
