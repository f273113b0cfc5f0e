"""Who sees what of the audit trail: everybody their own records, the policy's auditors all of them."""

from inference_proxy.errors import PolicyDeniedError
from inference_proxy.models import Request
from inference_proxy.operations.dashboard_query import Query, text
from inference_proxy.policy_store import PolicyStore


def visible_caller(request: Request, query: Query, policies: PolicyStore) -> str | None:
    """The principal whose records the answer may hold and no other's; None: everybody's.

    Goes by the parameter ``caller``. Raises PolicyDeniedError where it names somebody else and the one who asks is no
    auditor; without a policy in force nobody is.
    """
    asked = text(query, "caller")
    own = request.caller.principal_arn
    if sees_all(request, policies):
        return asked
    if asked not in (None, own):
        raise PolicyDeniedError(
            "only auditors of the policy see other callers' records; leave `caller` out to see your own"
        )
    return own


def sees_all(request: Request, policies: PolicyStore) -> bool:
    """Whether the one who asks may see every caller's records."""
    policy = policies.get(request.deadline)
    return policy is not None and policy.audits(request.caller.principal_arn)
