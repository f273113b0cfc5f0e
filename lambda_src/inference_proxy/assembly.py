"""Wires the router together from its settings. Start reading at app.py; this says who is handed what."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aws_lambda_powertools import Logger, Metrics

from inference_proxy.app import App
from inference_proxy.application_profiles import ApplicationProfiles
from inference_proxy.archive_chain import ArchiveChain
from inference_proxy.audit import AuditTrail
from inference_proxy.audit_query import AuditReader
from inference_proxy.audit_table import AuditTable
from inference_proxy.aws_json import AwsJsonClient
from inference_proxy.aws_query import StsClient
from inference_proxy.bedrock import Bedrock
from inference_proxy.boundary import Boundary
from inference_proxy.catalog_cache import CatalogCache
from inference_proxy.clock import Clock
from inference_proxy.credential_choice import CredentialChoice
from inference_proxy.credentials import CredentialStore
from inference_proxy.federation import FederationSource
from inference_proxy.gate import Gate
from inference_proxy.guardrail import GuardrailClient
from inference_proxy.limits import LimitCounters
from inference_proxy.model_calls import ModelCalls
from inference_proxy.model_lists import ModelLists
from inference_proxy.models import Deadline
from inference_proxy.operations.archive import Archive
from inference_proxy.operations.dashboard import Dashboard
from inference_proxy.operations.discovery import Discovery
from inference_proxy.operations.explain import Explain
from inference_proxy.operations.forward import Forward
from inference_proxy.operations.health import Health
from inference_proxy.operations.invoke import Invoke
from inference_proxy.operations.proof import Proof
from inference_proxy.operations.reconcile import Reconcile
from inference_proxy.operations.usage import Usage
from inference_proxy.operations.usage_task import UsageTask
from inference_proxy.operations.watch import Watch
from inference_proxy.policy_store import PolicyStore
from inference_proxy.s3 import S3Bucket
from inference_proxy.secret import SecretSource
from inference_proxy.settings import Settings
from inference_proxy.signing import SigV4Signer
from inference_proxy.telemetry import Telemetry
from inference_proxy.transport import Transport
from inference_proxy.usage_index import UsageIndex
from inference_proxy.usage_table import UsageTable

# What a schedule or an operator has the function do: the event, the invocation's id and a deadline -> what came of it.
Tasks = Mapping[str, Callable[[Mapping[str, Any], str, Deadline], Mapping[str, Any]]]


class Router(NamedTuple):
    """What callers ask, what a schedule or an operator has done, the audit table's stream, and what all go by."""

    app: App
    tasks: Tasks
    archive: Archive | None
    policies: PolicyStore


def build(settings: Settings, transport: Transport) -> Router:
    """Wire the router together; no I/O."""
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
    counters = LimitCounters(dynamodb, settings.limits_table_name, clock)
    boundary = Boundary(audit, credentials, bedrock, counters, telemetry)
    policies = PolicyStore(dynamodb, settings.policy_table_name, telemetry)
    screening = SigV4Signer(keys, region, "bedrock", clock)
    guardrail = GuardrailClient(transport, settings.guardrail_url, screening, clock)
    gate = Gate(policies, counters, guardrail, telemetry)
    lists = ModelLists(boundary, policies, CatalogCache(settings.discovery_max_age_seconds), telemetry)
    application_profiles = ApplicationProfiles(settings.application_profiles, boundary, policies, lists, telemetry)
    model_calls = ModelCalls(boundary, gate, lists, application_profiles)
    discovery = Discovery(boundary, gate, lists, settings.region)
    dashboard = Dashboard(reader, policies)
    usage_index = UsageIndex(AuditTable(dynamodb, settings.audit_table_name))
    usage_table = UsageTable(dynamodb, settings.usage_table_name, settings.audit_retention_days)
    invoke = Invoke(model_calls, settings.region)
    operations = {
        "invoke_model": invoke.invoke_model,
        "routing_information": invoke.routing_information,
        "list_models": discovery.list_models,
        "get_model": discovery.get_model,
        "list_requests": dashboard.list_requests,
        "get_request": dashboard.get_request,
        "usage": Usage(usage_index, usage_table, policies).usage,
        "health": Health(reader, credentials, policies, settings.release).health,
    }
    chain = None
    if settings.archive_bucket_url:
        bucket = S3Bucket(transport, settings.archive_bucket_url, SigV4Signer(keys, region, "s3", clock), clock)
        chain = ArchiveChain(dynamodb, settings.archive_table_name, bucket, clock)
    tasks: Tasks = {
        "watch": Watch(reader, credentials, policies, telemetry, settings.response_timeout_seconds, chain).run,
        "reconcile": Reconcile(reader, audit, telemetry, clock, settings.response_timeout_seconds).run,
        "usage": UsageTask(usage_index, usage_table, settings.response_timeout_seconds).run,
        "prove_credential": Proof(boundary, source, settings.credential, policies, telemetry).run,
    }
    forward = Forward(boundary, gate, model_calls)
    explain = Explain(policies, counters)
    app = App(operations, forward.operation, explain.explain, telemetry, lists.settle)
    return Router(app, tasks, Archive(chain) if chain else None, policies)
