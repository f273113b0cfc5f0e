"""The GovCloud side of the offline twin: the AWS emulator ministack 1.5.33, plus what this project needs of API Gateway
and ministack lacks.

1. PutRestApi: Terraform's `aws_api_gateway_rest_api.body` applies. The document's methods, integrations, mock answers
   and gateway responses are imported with the emulator's own control-plane functions.
2. A signature for another service is refused: real API Gateway accepts only `execute-api` in the credential scope.
3. A caller whom IAM denies gets the API's own gateway response ACCESS_DENIED, not the emulator's error.
4. Loopback counts as secure transport: the twin speaks plain HTTP, and policies demand `aws:SecureTransport`.

Start it in place of the `ministack` command, with the same environment:

    AUTH=true GATEWAY_PORT=4566 BIND_HOST=127.0.0.1 MINISTACK_REGION=us-gov-west-1 MINISTACK_ACCOUNT_ID=123456789012 \
    AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... python govcloud.py

Not imported, because the contract does not use them: models, request validators, authorizers and STREAM transfer.
"""

import json
from typing import Any

from ministack import app
from ministack.core.iam_evaluator import AuthError
from ministack.services import apigateway_v1 as rest_apis

Answer = tuple[int, dict[str, str], bytes]

ANY_METHOD = "x-amazon-apigateway-any-method"
HTTP_METHODS = {"get", "put", "post", "delete", "options", "head", "patch"}

handle_control_plane = rest_apis.handle_request
handle_invocation = rest_apis.handle_execute
authorize = app._enforce_execute_api


async def control_plane(method: str, path: str, headers: dict, body: bytes, query: dict) -> Answer:
    """The emulator's API of API Gateway, with PutRestApi."""
    parts = path.strip("/").split("/")
    if method == "PUT" and len(parts) == 2 and parts[0] == "restapis":
        return put_rest_api(parts[1], json.loads(body))
    return await handle_control_plane(method, path, headers, body, query)


async def invocation(
    api_id: str, stage: str, method: str, path: str, headers: dict, body: bytes, query: dict
) -> Answer:
    """A call of a deployed API, refused if it was signed for a service other than execute-api."""
    service = signed_service(headers, query)
    needs_signature = rest_apis.method_authorization_type(api_id, stage, method, path) == "AWS_IAM"
    if needs_signature and service not in (None, "execute-api"):
        error = AuthError("SignatureDoesNotMatch", "Credential should be scoped to correct service: 'execute-api'.")
        return rest_apis.authentication_error_response(api_id, stage, error, headers, query)
    return await handle_invocation(api_id, stage, method, path, headers, body, query)


def authorization(api_id: str, stage: str, method: str, path: str, headers: dict, query: dict, **rest: str) -> Any:
    """The emulator's check of signature and IAM policies: None, or the answer that refuses the call."""
    refusal = authorize(api_id, stage, method, path, headers, query, **rest)
    if refusal is None or refusal[1].get("x-amzn-errortype") != "AccessDeniedException":
        return refusal
    error = AuthError("AccessDeniedException", json.loads(refusal[2])["message"])
    return rest_apis.authentication_error_response(api_id, stage, error, headers, query) or refusal


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


rest_apis.handle_request = control_plane
rest_apis.handle_execute = invocation
rest_apis._AUTHENTICATION_GATEWAY_ERRORS["AccessDeniedException"] = ("ACCESS_DENIED", "AccessDeniedException")
app._enforce_execute_api = authorization
pin_origin = app.pin_request_origin
app.pin_request_origin = lambda source_ip, _secure_transport: pin_origin(source_ip, True)

if __name__ == "__main__":
    app.main()
