"""AWS services that speak the Query protocol, of which the router needs STS: a form goes out, XML comes back.

Follows "Making Query requests" in the IAM User Guide. Only flat answers are understood: the text of each element by its
name.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from inference_proxy.aws_service import AwsService

_STS_VERSION = "2011-06-15"


class StsClient(AwsService):
    """STS at one endpoint."""

    def _encode(self, operation: str, arguments: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        form = {"Action": operation, "Version": _STS_VERSION, **arguments}
        return {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode()

    def _decode(self, body: bytes) -> dict[str, Any]:
        # 15 ms of a cold start that only federation needs to spend. Expat itself bounds how entities expand.
        from xml.etree import ElementTree

        try:
            document = ElementTree.fromstring(body)  # noqa: S314
        except ElementTree.ParseError:
            raise ValueError("not XML") from None
        return {element.tag.rpartition("}")[2]: element.text or "" for element in document.iter()}

    def _error_code(self, answer: Mapping[str, Any]) -> str:
        return str(answer.get("Code", ""))
