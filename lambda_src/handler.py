"""The Lambda's entry point and composition root: the only place that reads the environment or builds the App."""

import gc

gc.disable()  # nothing is garbage while modules load; this saves 40 ms of a cold start

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from aws_lambda_powertools import Logger, Metrics

from inference_proxy import events
from inference_proxy.app import App
from inference_proxy.audit import AuditTrail
from inference_proxy.audit_query import AuditReader
from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.bedrock import Bedrock
from inference_proxy.boundary import Boundary
from inference_proxy.connection import TransportError
from inference_proxy.credentials import CredentialStore
from inference_proxy.errors import ProxyError
from inference_proxy.models import Deadline
from inference_proxy.operations.dashboard import Dashboard
from inference_proxy.operations.discovery import Discovery
from inference_proxy.operations.health import Health
from inference_proxy.operations.invoke import Invoke
from inference_proxy.operations.runtime import Runtime
from inference_proxy.operations.watch import Watch
from inference_proxy.policy import Policy
from inference_proxy.profiles import CatalogCache
from inference_proxy.settings import Settings
from inference_proxy.signing import SigV4Signer
from inference_proxy.telemetry import Telemetry
from inference_proxy.transport import Transport

Tasks = Mapping[str, Callable[[Deadline], dict[str, float]]]
_WARM_UP_SECONDS = 2.0
_TASK_MARGIN_SECONDS = 1.0  # of the time Lambda grants a task, for its metrics to get out


def build(settings: Settings, transport: Transport) -> tuple[App, Tasks]:
    """Wire the router together, what callers ask for and what a schedule does; no I/O."""

    def service(name: str, url: str, target: str, json_version: str) -> AwsJsonClient:
        signer = SigV4Signer(settings.execution_role_keys, settings.region, name)
        return AwsJsonClient(transport, url, signer, target, json_version)

    dynamodb = service("dynamodb", settings.dynamodb_url, "DynamoDB_20120810", "1.0")
    secrets = service("secretsmanager", settings.secretsmanager_url, "secretsmanager", "1.1")
    logger = Logger()
    telemetry = Telemetry(logger, Metrics(namespace=settings.metrics_namespace, service=logger.service))
    credentials = CredentialStore(
        secrets, settings.credential_secret_id, settings.commercial_region, settings.credential_max_age_seconds
    )
    audit = AuditTrail(dynamodb, settings.audit_table_name, settings.audit_retention_days, settings.release)
    reader = AuditReader(dynamodb, settings.audit_table_name)
    boundary = Boundary(audit, credentials, Bedrock(transport, settings.bedrock_url, settings.release), telemetry)
    policy = Policy(settings.allow_global_profiles)
    catalog = CatalogCache(settings.discovery_max_age_seconds)
    discovery = Discovery(boundary, policy, catalog, telemetry, settings.region)
    invoke = Invoke(boundary, policy, discovery.resolve, settings.region)
    runtime = Runtime(boundary, policy, discovery.resolve)
    operations = {
        "invoke_model": invoke.invoke_model,
        "routing_information": invoke.routing_information,
        "list_models": discovery.list_models,
        "runtime_invoke": runtime.invoke,
        "runtime_converse": runtime.converse,
        "list_requests": Dashboard(reader).list_requests,
        "health": Health(reader, credentials, settings.release).health,
    }
    watch = Watch(reader, credentials, telemetry, settings.response_timeout_seconds)
    return App(operations, telemetry), {"watch": watch.run}


def _connect_ahead(settings: Settings, transport: Transport) -> None:
    """Open the three connections of a first request while Lambda still grants start-up time and CPU."""

    def connect(url: str) -> None:
        with suppress(TransportError):  # the request that needs it tries again and says what is wrong
            transport.connect(url, Deadline.after(_WARM_UP_SECONDS))

    bedrock_url = settings.bedrock_url("bedrock-runtime", settings.commercial_region)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(connect, {settings.dynamodb_url, settings.secretsmanager_url, bedrock_url}))


SETTINGS = Settings.from_env(os.environ)
_TRANSPORT = Transport(SETTINGS.ca_bundle)
APP, TASKS = build(SETTINGS, _TRANSPORT)
_connect_ahead(SETTINGS, _TRANSPORT)
gc.freeze()
gc.enable()


def lambda_handler(event: dict[str, Any], context: events.LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event (REST API, Lambda proxy integration), or do the task that a schedule names."""
    # No caller can put it there: API Gateway chooses an event's members, and what a caller sends is inside of them.
    if "task" in event:
        return _do(event["task"], context)
    try:
        request = events.parse(event, context, SETTINGS.response_timeout_seconds, SETTINGS.max_request_bytes)
    except ProxyError as error:
        return events.render(APP.reject(error, events.request_id(event), events.path(event)))
    return events.render(APP.handle(request))


def _do(name: object, context: events.LambdaContext) -> dict[str, Any]:
    """Do a task; raises ValueError for an unknown one, which Lambda counts among the function's errors."""
    task = TASKS.get(name) if isinstance(name, str) else None
    if not task:
        raise ValueError(f"unknown task; this release knows {', '.join(TASKS)}")
    return task(Deadline.after(context.get_remaining_time_in_millis() / 1000 - _TASK_MARGIN_SECONDS))
