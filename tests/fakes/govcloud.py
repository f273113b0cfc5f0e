"""The GovCloud side of the offline twin: the AWS emulator ministack 1.5.33, plus what this project needs of API Gateway
and ministack lacks.

1. PutRestApi: Terraform's `aws_api_gateway_rest_api.body` applies. The document's methods, integrations, mock answers
   and gateway responses are imported with the emulator's own control-plane functions.
2. A signature for another service is refused: real API Gateway accepts only `execute-api` in the credential scope.
3. A caller whom IAM denies gets the API's own gateway response ACCESS_DENIED, not the emulator's error.
4. A private API is called through a VPC endpoint: the one that the Host header names, as on AWS the endpoint's name
   does. Policies then see `aws:SourceVpce` and `aws:VpcSourceIp` instead of `aws:SourceIp`. The document's resource
   policy is imported; the emulator itself evaluates it, by AWS's tables for IAM authentication.
5. GetStage names the settings of a route as AWS does (`~1bedrock~1models/GET`), where Terraform looks for them;
   UpdateRestApi changes lists and switches, which the emulator would store as text, so that a changed document applies;
   a custom domain can have a mapping at its root, and an API without a default endpoint answers on the domain only.
6. A binary answer is decoded for a client without an Accept header as well. AWS's page "Binary media types for REST
   APIs" says that the first one decides, and nothing of a missing one; that it counts as application/json, which `*/*`
   includes, is what another emulator found.

The modules imported first add alarms, aliases' ARNs, web ACL logging, outbound identity federation, ids of guardrails,
queries that read no more than they ask for, and what policies see.

Start it in place of the `ministack` command, with the same environment:

    AUTH=true GATEWAY_PORT=4566 BIND_HOST=127.0.0.1 MINISTACK_REGION=us-gov-west-1 MINISTACK_ACCOUNT_ID=123456789012 \
    AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... python govcloud.py

Not imported, because the contract does not use them: models, request validators, authorizers and STREAM transfer.
"""

import contextvars
import json
import os
import re
from typing import Any

import govcloud_alarms  # noqa: F401 - imported for its effect
import govcloud_aliases  # noqa: F401 - imported for its effect
import govcloud_federation  # noqa: F401 - imported for its effect
import govcloud_guardrails  # noqa: F401 - imported for its effect
import govcloud_index_reads  # noqa: F401 - imported for its effect
import govcloud_web_acl  # noqa: F401 - imported for its effect
import policy_context  # noqa: F401 - imported for its effect, before its functions are wrapped once more below
from ministack import app
from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import AuthError
from ministack.services import apigateway_v1 as rest_apis

Answer = tuple[int, dict[str, str], bytes]

ANY_METHOD = "x-amazon-apigateway-any-method"
HTTP_METHODS = {"get", "put", "post", "delete", "options", "head", "patch"}

# The VPC endpoint through which a private API is called ("" if through none); None in calls of anything else.
vpc_endpoint: contextvars.ContextVar[str | None] = contextvars.ContextVar("vpc_endpoint", default=None)

handle_control_plane = rest_apis.handle_request
handle_invocation = rest_apis.handle_execute
media_type_matches = rest_apis._media_type_matches
authorize = app._enforce_execute_api
condition_key = iam_evaluator._resolve_condition_key


def media_type_or_default_matches(media_type: str | None, binary_media_types: list[str]) -> bool:
    """Whether a body of this type, or for a client that accepts it, is binary; without a word it is JSON."""
    return media_type_matches(media_type or "application/json", binary_media_types)


async def control_plane(method: str, path: str, headers: dict, body: bytes, query: dict) -> Answer:
    """The emulator's API of API Gateway, with what it lacks or does differently."""
    parts = path.strip("/").split("/")
    if method == "PUT" and len(parts) == 2 and parts[0] == "restapis":
        return put_rest_api(parts[1], json.loads(body))
    if method == "PATCH" and len(parts) == 2 and parts[0] == "restapis" and parts[1] in rest_apis._rest_apis:
        others = update_rest_api(rest_apis._rest_apis[parts[1]], json.loads(body)["patchOperations"])
        body = json.dumps({"patchOperations": others}).encode()
    if method == "POST" and parts[-1] == "basepathmappings":
        body = json.dumps({name: value for name, value in json.loads(body).items() if value}).encode()
    status, answer_headers, answer = await handle_control_plane(method, path, headers, body, query)
    if len(parts) == 4 and parts[2] == "stages" and status == 200:
        stage = json.loads(answer)
        settings = {name.rpartition("/"): setting for name, setting in stage["methodSettings"].items()}
        stage["methodSettings"] = {f"{route.replace('/', '~1')}/{verb}": s for (route, _, verb), s in settings.items()}
        answer = json.dumps(stage).encode()
    return status, answer_headers, answer


async def invocation(
    api_id: str, stage: str, method: str, path: str, headers: dict, body: bytes, query: dict
) -> Answer:
    """A call of a deployed API, refused at a default endpoint that is off or if it was signed for another service."""
    api = rest_apis._rest_apis.get(api_id) or {}
    if api.get("disableExecuteApiEndpoint") and rest_apis.find_domain_scope(headers["host"].split(":")[0]) is None:
        return rest_apis._v1_error("ForbiddenException", "Forbidden", 403)
    service = signed_service(headers, query)
    needs_signature = rest_apis.method_authorization_type(api_id, stage, method, path) == "AWS_IAM"
    if needs_signature and service not in (None, "execute-api"):
        error = AuthError("SignatureDoesNotMatch", "Credential should be scoped to correct service: 'execute-api'.")
        return rest_apis.authentication_error_response(api_id, stage, error, headers, query)
    return await handle_invocation(api_id, stage, method, path, headers, body, query)


def authorization(api_id: str, stage: str, method: str, path: str, headers: dict, query: dict, **rest: str) -> Any:
    """The emulator's check of signature, IAM and resource policies: None, or the answer that refuses the call."""
    endpoint = (rest_apis._rest_apis.get(api_id) or {}).get("endpointConfiguration", {})
    named = re.search(r"vpce-[0-9a-f]{8,17}", headers.get("host", ""))
    vpc_endpoint.set((named[0] if named else "") if endpoint.get("types") == ["PRIVATE"] else None)
    refusal = authorize(api_id, stage, method, path, headers, query, **rest)
    if refusal is None or refusal[1].get("x-amzn-errortype") != "AccessDeniedException":
        return refusal
    error = AuthError("AccessDeniedException", json.loads(refusal[2])["message"])
    return rest_apis.authentication_error_response(api_id, stage, error, headers, query) or refusal


def network_aware_condition_key(key: str, context: Any) -> Any:
    """A condition key of a policy: in a private API, those of the network are the endpoint's."""
    endpoint = vpc_endpoint.get()
    if endpoint is not None and key.lower() in ("aws:sourceip", "aws:sourcevpce", "aws:vpcsourceip"):
        through_endpoint = {"aws:sourcevpce": endpoint, "aws:vpcsourceip": context.source_ip} if endpoint else {}
        return through_endpoint.get(key.lower())
    return condition_key(key, context)


def signed_service(headers: dict, query: dict) -> str | None:
    """The service in a SigV4 credential scope, `<key>/<date>/<region>/<service>/aws4_request`; None if unsigned."""
    _, _, credential = headers.get("authorization", "").partition("Credential=")
    presigned = query.get("X-Amz-Credential", "")
    scope = credential.partition(",")[0] or (presigned[0] if isinstance(presigned, list) else presigned)
    parts = scope.split("/")
    return parts[-2] if len(parts) >= 5 else None


def put_rest_api(api_id: str, document: dict[str, Any]) -> Answer:
    """PutRestApi in the mode `overwrite`: what the document does not name is gone."""
    api = rest_apis._rest_apis.get(api_id)
    if api is None:
        return rest_apis._v1_error("NotFoundException", "Invalid API identifier specified", 404)
    api["name"] = document["info"]["title"]
    api["binaryMediaTypes"] = document.get("x-amazon-apigateway-binary-media-types", [])
    api["policy"] = document.get("x-amazon-apigateway-policy")
    server = (document.get("servers") or [{}])[0]
    endpoint = server.get("x-amazon-apigateway-endpoint-configuration", {})
    api["disableExecuteApiEndpoint"] = endpoint.get("disableExecuteApiEndpoint", False)
    api["endpointConfiguration"]["vpcEndpointIds"] = endpoint.get("vpcEndpointIds", [])

    resources = rest_apis._resources[api_id]
    for resource_id, resource in list(resources.items()):
        resource["resourceMethods"] = {}
        if resource["path"] != "/":
            del resources[resource_id]
    schemes = rest_apis._import_security_schemes(api_id, document)
    for path, item in document["paths"].items():
        import_path(api_id, path, item, schemes)

    rest_apis._gateway_responses[api_id] = {}
    for kind, response in document.get("x-amazon-apigateway-gateway-responses", {}).items():
        rest_apis._put_gateway_response(api_id, kind, response)
    return rest_apis._v1_response(rest_apis._rest_api_view(api))


def update_rest_api(api: dict[str, Any], operations: list[dict[str, str]]) -> list[dict[str, str]]:
    """Apply the changes of lists and switches; returns the operations that the emulator can apply itself."""
    endpoint = api["endpointConfiguration"]
    others = []
    for operation in operations:
        name, _, item = operation["path"].removeprefix("/").partition("/")
        if name == "binaryMediaTypes":
            change_list(api[name], operation["op"], item.replace("~1", "/"))
        elif (name, item) == ("endpointConfiguration", "vpcEndpointIds"):
            change_list(endpoint.setdefault(item, []), operation["op"], operation["value"])
        elif (name, item) == ("endpointConfiguration", "types/0"):
            endpoint["types"] = [operation["value"]]
        elif name == "disableExecuteApiEndpoint":
            api[name] = operation["value"] == "true"
        else:
            others.append(operation)
    return others


def change_list(values: list[str], operation: str, value: str) -> None:
    """Add a value to a list that holds each value once, or remove it."""
    if value in values:
        values.remove(value)
    if operation == "add":
        values.append(value)


def import_path(api_id: str, path: str, item: dict, schemes: dict) -> None:
    """One path of the document: its resources, then a method and an integration per operation.

    As in API Gateway, `security` counts on an operation only; the document's own is ignored.
    """
    rest_apis._import_path_item(api_id, path, {})  # an item without operations creates the resources only
    resource_id = next(key for key, value in rest_apis._resources[api_id].items() if value["path"] == path)
    for key, operation in item.items():
        if key not in HTTP_METHODS | {ANY_METHOD}:
            continue
        method = "ANY" if key == ANY_METHOD else key.upper()
        security = operation.get("security")
        rest_apis._put_method(api_id, resource_id, method, rest_apis._method_security(security, schemes))
        integration = operation["x-amazon-apigateway-integration"]
        upper = {name: integration[name].upper() for name in ("type", "passthroughBehavior") if name in integration}
        rest_apis._put_integration(api_id, resource_id, method, integration | upper)
        for pattern, answer in integration.get("responses", {}).items():
            selection = {"selectionPattern": "" if pattern == "default" else pattern}
            rest_apis._put_integration_response(api_id, resource_id, method, answer["statusCode"], answer | selection)


rest_apis._media_type_matches = media_type_or_default_matches
rest_apis.handle_request = control_plane
rest_apis.handle_execute = invocation
rest_apis._AUTHENTICATION_GATEWAY_ERRORS["AccessDeniedException"] = ("ACCESS_DENIED", "AccessDeniedException")
app._enforce_execute_api = authorization
iam_evaluator._resolve_condition_key = network_aware_condition_key

if __name__ == "__main__":
    os.environ.setdefault("IOT_MTLS_ENABLED", "0")  # it would listen on every interface
    app.main()
