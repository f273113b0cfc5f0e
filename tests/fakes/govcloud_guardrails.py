"""What ministack 1.5.33 does differently of guardrails: their ids have a prefix, where AWS's are letters and digits."""

import json

from ministack.services import bedrock

create = bedrock._create_guardrail
_PREFIX = "gr-"


def create_as_aws_names_it(body: bytes) -> tuple[int, dict[str, str], bytes]:
    """CreateGuardrail, with an id such as AWS gives."""
    status, headers, answer = create(body)
    document = json.loads(answer)
    named = str(document.get("GuardrailId") or document.get("guardrailId") or "")
    if named.startswith(_PREFIX):
        identifier = named.removeprefix(_PREFIX)
        record = bedrock._guardrails.pop(named)
        arn = record["GuardrailArn"].replace(named, identifier)
        bedrock._guardrails[identifier] = {**record, "GuardrailId": identifier, "GuardrailArn": arn}
        answer = answer.replace(named.encode(), identifier.encode())
    return status, headers, answer


bedrock._create_guardrail = create_as_aws_names_it
