"""What ministack 1.5.33 lacks of a function's aliases.

1. The ARN that a function was invoked by: through an alias, the alias is in it, as on AWS; where API Gateway or
   EventBridge invoke, the emulator shows the version that the alias points to.
2. Creating an alias once more with the same words answers as the first time. Under load the emulator now and then loses
   an answer, Terraform's SDK asks again, and a conflict with itself would end the deployment.
"""

import json
from typing import Any

from ministack.services import lambda_svc

resolve = lambda_svc._effective_func_record_for_qualifier
create = lambda_svc._create_alias


def resolve_with_alias(func: dict | None, qualifier: str | None) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The record and the configuration that a qualifier stands for."""
    record, config = resolve(func, qualifier)
    if not func or not record or not config or qualifier not in func.get("aliases", {}):
        return record, config
    named = {**config, "FunctionArn": f"{func['config']['FunctionArn']}:{qualifier}"}
    return {**record, "config": named}, named


lambda_svc._effective_func_record_for_qualifier = resolve_with_alias


def create_or_find(function_name: str, wanted: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """CreateAlias, which finds an alias that is exactly what is wanted."""
    aliases = lambda_svc._functions.get(function_name, {}).get("aliases", {})
    known = aliases.get(wanted.get("Name"), {})
    if known and all(known.get(name) == wanted.get(name, "") for name in ("FunctionVersion", "Description")):
        return 201, {"Content-Type": "application/json"}, json.dumps(known).encode()
    answer: tuple[int, dict[str, str], bytes] = create(function_name, wanted)
    return answer


lambda_svc._create_alias = create_or_find
