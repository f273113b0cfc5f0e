"""The Lambda's entry point: the only place that reads the environment."""

import gc

gc.disable()  # nothing is garbage while modules load; this saves 40 ms of a cold start

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from inference_proxy import events
from inference_proxy.assembly import build
from inference_proxy.connection import TransportError
from inference_proxy.errors import ProxyError
from inference_proxy.models import Deadline
from inference_proxy.policy_store import PolicyStore
from inference_proxy.settings import Settings
from inference_proxy.transport import Transport

_WARM_UP_SECONDS = 2.0
_TASK_MARGIN_SECONDS = 1.0  # of the time Lambda grants a task, for its metrics to get out


def _connect_ahead(settings: Settings, transport: Transport, policies: PolicyStore) -> None:
    """Open the connections of a first request, and read the policy, while Lambda grants start-up time and CPU."""

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
        reading = pool.submit(policies.get, Deadline.after(_WARM_UP_SECONDS))  # over the connection to DynamoDB
        list(pool.map(connect, bedrock | for_credential))
        reading.result()


SETTINGS = Settings.from_env(os.environ)
_TRANSPORT = Transport(SETTINGS.ca_bundle)
APP, TASKS, ARCHIVE, _POLICIES = build(SETTINGS, _TRANSPORT)
_connect_ahead(SETTINGS, _TRANSPORT, _POLICIES)
gc.freeze()
gc.enable()


def lambda_handler(event: dict[str, Any], context: events.LambdaContext) -> dict[str, Any]:
    """Answer one API Gateway event (REST API, Lambda proxy integration), do a task, or archive what a stream brings.

    Whoever may invoke a function may send it any event: one of API Gateway with another caller's name, or changes of
    records that never were. So each of the three has an alias of its own and comes through no other: operators and
    schedules may invoke the one for tasks, and the stream's nobody but Lambda itself.
    """
    alias = events.invoked_alias(context)
    for_tasks, for_stream = SETTINGS.task_alias_name, SETTINGS.stream_alias_name or SETTINGS.task_alias_name
    if "Records" in event:
        if for_stream not in ("", alias):  # no answer, which Lambda would take for a delivery
            raise ValueError("changes of records come through the stream's alias")
        return _archive(event, context)
    if "task" in event and for_tasks in ("", alias):
        return _do(event, context)
    if alias and alias in (for_tasks, for_stream):
        raise ValueError("this alias answers no requests; the API has another one")
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
    return dict(task(event, context.aws_request_id, _deadline(context)))


def _archive(event: Mapping[str, Any], context: events.LambdaContext) -> dict[str, Any]:
    """Archive a batch of the stream; what it raises makes Lambda deliver the batch again."""
    if not ARCHIVE:
        raise ValueError("there is no archive: AUDIT_ARCHIVE_BUCKET is not set")
    return ARCHIVE.append(event, _deadline(context))


def _deadline(context: events.LambdaContext) -> Deadline:
    return Deadline.after(context.get_remaining_time_in_millis() / 1000 - _TASK_MARGIN_SECONDS)
