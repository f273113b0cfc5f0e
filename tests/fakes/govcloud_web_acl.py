"""Web ACLs of the twin: where they log, which ministack 1.5.33 does not know.

Only kept, so that Terraform applies and finds no change afterwards: the emulator evaluates no rule and writes no log.
Imported for its effect by govcloud.py.
"""

import json
from typing import Any

from ministack.core.responses import json_response
from ministack.services import waf

Answer = tuple[int, dict[str, str], bytes]

handle_request = waf.handle_request
configurations: dict[str, dict[str, Any]] = {}


async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> Answer:
    """WAFv2 with PutLoggingConfiguration, GetLoggingConfiguration and DeleteLoggingConfiguration."""
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if not action.endswith("LoggingConfiguration"):
        return await handle_request(method, path, headers, body, query)
    request = json.loads(body)
    if action == "PutLoggingConfiguration":
        configuration = request["LoggingConfiguration"]
        configurations[configuration["ResourceArn"]] = configuration
        return json_response({"LoggingConfiguration": configuration})
    if request["ResourceArn"] not in configurations:
        return waf._waf_err("WAFNonexistentItemException", "AWS WAF found no logging configuration of this web ACL.")
    if action == "DeleteLoggingConfiguration":
        del configurations[request["ResourceArn"]]
        return json_response({})
    return json_response({"LoggingConfiguration": configurations[request["ResourceArn"]]})


waf.handle_request = handle
