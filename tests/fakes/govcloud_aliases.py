"""The ARN that a function was invoked by, as ministack 1.5.33 lacks it.

Through an alias, the alias is in it, as on AWS; where API Gateway or EventBridge invoke, the emulator shows the version
that the alias points to.
"""

from typing import Any

from ministack.services import lambda_svc

resolve = lambda_svc._effective_func_record_for_qualifier


def resolve_with_alias(func: dict | None, qualifier: str | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The record and the configuration that a qualifier stands for."""
    record, config = resolve(func, qualifier)
    if not func or not record or not config or qualifier not in func.get("aliases", {}):
        return record, config
    named = {**config, "FunctionArn": f"{func['config']['FunctionArn']}:{qualifier}"}
    return {**record, "config": named}, named


lambda_svc._effective_func_record_for_qualifier = resolve_with_alias
