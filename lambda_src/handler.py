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
from inference_proxy.application_profiles import ApplicationProfiles
from inference_proxy.audit import AuditTrail
from inference_proxy.audit_query import AuditReader
from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_query import StsClient
from inference_proxy.bedrock import Bedrock
from inference_proxy.boundary import Boundary
from inference_proxy.catalog_cache import CatalogCache
from inference_proxy.clock import Clock
from inference_proxy.connection import TransportError
from inference_proxy.credential_choice import CredentialChoice
from inference_proxy.credentials import CredentialStore
from inference_proxy.errors import ProxyError
from inference_proxy.federation import FederationSource
from inference_proxy.model_calls import ModelCalls
from inference_proxy.model_lists import ModelLists
from inference_proxy.models import Deadline
from inference_proxy.operations.dashboard import Dashboard
from inference_proxy.operations.discovery import Discovery
from inference_proxy.operations.forward import Forward
from inference_proxy.operations.health import Health
from inference_proxy.operations.invoke import Invoke
from inference_proxy.operations.proof import Proof
from inference_proxy.operations.watch import Watch
from inference_proxy.policy import Policy
from inference_proxy.secret import SecretSource
from inference_proxy.settings import Settings
from inference_proxy.signing import SigV4Signer
from inference_proxy.telemetry import Telemetry
from inference_proxy.transport import Transport

# What a schedule or an operator has the function do: the event, the invocation's id and a deadline -> what came of it.
Tasks = Mapping[str, Callable[[Mapping[str, Any], str, Deadline], Mapping[str, Any]]]
_WARM_UP_SECONDS = 2.0
_TASK_MARGIN_SECONDS = 1.0  # of the time Lambda grants a task, for its metrics to get out


def build(settings: Settings, transport: Transport) -> tuple[App, Tasks]:
    """Wire the router together, what callers ask for and what a schedule or an operator does; no I/O."""
    clock = Clock()
    keys, region = settings.execution_role_keys, settings.region

    def service(name: str, url: str, target: str, json_version: str) -> AwsJsonClient:
        return AwsJsonClient(transport, url, SigV4Signer(keys, region, name, clock), clock, target, json_version)

    dynamodb = service("dynamodb", settings.dynamodb_url, "DynamoDB_20120810", "1.0")
    logger = Logger()
    telemetry = Telemetry(logger, Metrics(namespace=settings.metrics_namespace, service=logger.service))

    def source(choice: CredentialChoice) -> SecretSource | FederationSource:
        if choice.mode == "federation":
            execution_role = SigV4Signer(keys, region, "sts", clock)
            return FederationSource(
                StsClient(transport, settings.sts_url, "sts", execution_role, clock),
                StsClient(transport, settings.commercial_sts_url, "sts", None, clock),
                choice.role_arn,
                choice.audience,
                settings.session_name,
                settings.commercial_region,
                clock,
            )
        return SecretSource(
            service("secretsmanager", settings.secretsmanager_url, "secretsmanager", "1.1"),
            choice.secret_id,
            choice.mode,
            settings.commercial_region,
            settings.credential_max_age_seconds,
            clock,
        )

    credentials = CredentialStore(source(settings.credential))
    audit = AuditTrail(dynamodb, settings.audit_table_name, settings.audit_retention_days, settings.release)
    reader = AuditReader(dynamodb, settings.audit_table_name)
    bedrock = Bedrock(transport, settings.bedrock_url, settings.release, clock)
    boundary = Boundary(audit, credentials, bedrock, telemetry)
    policy = Policy(settings.allow_global_profiles)
    lists = ModelLists(boundary, policy, CatalogCache(settings.discovery_max_age_seconds), telemetry)
    application_profiles = ApplicationProfiles(settings.application_profiles, boundary, policy, lists, telemetry)
    model_calls = ModelCalls(boundary, policy, lists, application_profiles)
    discovery = Discovery(boundary, policy, lists, settings.region)
    invoke = Invoke(model_calls, settings.region)
    operations = {
        "invoke_model": invoke.invoke_model,
        "routing_information": invoke.routing_information,
        "list_models": discovery.list_models,
        "get_model": discovery.get_model,
        "list_requests": Dashboard(reader).list_requests,
        "health": Health(reader, credentials, settings.release).health,
    }
    tasks: Tasks = {
        "watch": Watch(reader, credentials, telemetry, settings.response_timeout_seconds).run,
        "prove_credential": Proof(boundary, source, settings.credential, telemetry).run,
    }
    forward = Forward(boundary, policy, model_calls)
    return App(operations, forward.operation, telemetry, lists.settle), tasks


def _connect_ahead(settings: Settings, transport: Transport) -> None:
    """Open the connections of a first request while Lambda still grants start-up time and CPU."""

    def connect(url: str) -> None:
        with suppress(TransportError):  # the request that needs it tries again and says what is wrong
            transport.connect(url, Deadline.after(_WARM_UP_SECONDS))

    bedrock = {settings.bedrock_url(service, settings.commercial_region) for service in ("bedrock", "bedrock-runtime")}
    for_credential = (
        {settings.sts_url, settings.commercial_sts_url}
        if settings.credential.mode == "federation"
        else {settings.secretsmanager_url}
    )
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(connect, {settings.dynamodb_url} | bedrock | for_credential))


SETTINGS = Settings.from_env(os.environ)
_TRANSPORT = Transport(SETTINGS.ca_bundle)
APP, TASKS = build(SETTINGS, _TRANSPORT)
_connect_ahead(SETTINGS, _TRANSPORT)
gc.freeze()
gc.enable()


def lambda_handler(event: dict[str, Any], context: events.LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event (REST API, Lambda proxy integration), or do a task.

    Whoever may invoke a function may send it any event, one of API Gateway with another caller's name included. So
    operators and schedules have an alias of their own, through which there are tasks only; the API's alias has none.
    """
    through_task_alias = events.invoked_alias(context) == SETTINGS.task_alias_name
    if "task" in event and (through_task_alias or not SETTINGS.task_alias_name):
        return _do(event, context)
    if through_task_alias and SETTINGS.task_alias_name:
        raise ValueError("this alias is for tasks; the API has another one")
    try:
        request = events.parse(event, context, SETTINGS.response_timeout_seconds, SETTINGS.max_request_bytes)
    except ProxyError as error:
        return events.render(APP.reject(error, events.request_id(event), events.path(event)))
    return events.render(APP.handle(request))


def _do(event: Mapping[str, Any], context: events.LambdaContext) -> dict[str, Any]:
    """Do a task; raises ValueError for an unknown one, which Lambda counts among the function's errors."""
    name = event["task"]
    task = TASKS.get(name) if isinstance(name, str) else None
    if not task:
        raise ValueError(f"unknown task; this release knows {', '.join(TASKS)}")
    deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - _TASK_MARGIN_SECONDS)
    return dict(task(event, context.aws_request_id, deadline))
