# Who may reach the API at all, beside the IAM policies of callers. Two rules of API Gateway shape it:
# - In this account an Allow here suffices, without any IAM policy of the caller. So none names this account's principals;
#   where they come from is limited by Deny, and what they may call stays with their IAM policies.
# - For another account both sides must allow, so accounts and organizations are an Allow. Its operations are those of
#   inference and discovery: the audit trail is for this account only.

# The policy is in the document, since an import in the mode `overwrite` removes one that is not, and so the deployment holds
# it. It is also a resource of its own: when a document changes, the provider puts back the policy it last read.
resource "aws_api_gateway_rest_api_policy" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  policy      = replace(jsonencode(local.resource_policy), local.short_form, "${aws_api_gateway_rest_api.this.execution_arn}/")
}

data "aws_caller_identity" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id

  # API Gateway puts region, account and API id in front when it imports the document.
  short_form  = "execute-api:/"
  stage       = "${local.short_form}${var.stage_name}"
  whole_stage = "${local.stage}/*"

  # A path ends in "*" where its first parameter stands: operations with the same beginning share an entry, and the policy
  # stays within its 8192 characters. What else begins so is the router's 404.
  for_other_accounts = distinct([
    for operation in values(local.operations) : "${local.stage}/${operation.method}${replace(operation.path, "/{.*/", "*")}"
    if !startswith(operation.path, "/dashboard/")
  ])
  preflights = distinct([for path in keys(local.contract.paths) : "${local.stage}/OPTIONS${replace(path, "/{.*/", "*")}"])

  account_principals = {
    for account_id in setunion(var.access.account_ids, [local.account_id]) :
    account_id => "arn:${data.aws_partition.current.partition}:iam::${account_id}:root"
  }

  # Null is a statement that is not needed.
  resource_policy_statements = {
    # Nobody signs a preflight request, and what a policy does not allow to everybody is denied to the unsigned.
    AllowPreflight = {
      Effect    = "Allow"
      Principal = "*"
      Resource  = local.preflights
    }

    AllowAccounts = length(var.access.account_ids) == 0 ? null : {
      Effect    = "Allow"
      Principal = { AWS = [for account_id in var.access.account_ids : local.account_principals[account_id]] }
      Resource  = local.for_other_accounts
    }

    # Members of the organization, but for this account, whose principals it would let in without an IAM policy.
    AllowOrganization = var.access.organization_id == null ? null : {
      Effect    = "Allow"
      Principal = "*"
      Resource  = local.for_other_accounts
      Condition = {
        StringEquals    = { "aws:PrincipalOrgID" = [var.access.organization_id] }
        StringNotEquals = { "aws:PrincipalAccount" = [local.account_id] }
      }
    }

    # "*" matches slashes too. No id and no path has two dots in a row or an encoded dot, so nothing steps out of what is
    # allowed above and into the dashboard.
    DenySteppingOut = length(var.access.account_ids) == 0 && var.access.organization_id == null ? null : {
      Effect    = "Deny"
      Principal = "*"
      Resource  = [for dots in ["..", "%2e", "%2E"] : "${local.stage}/*${dots}*"]
    }

    # A private API needs a policy that grants something. The account as principal hands the decision to its IAM policies;
    # a statement for "*" would be the decision.
    DelegateToThisAccount = !local.is_private ? null : {
      Effect    = "Allow"
      Principal = { AWS = [local.account_principals[local.account_id]] }
      Resource  = [local.whole_stage]
    }

    # An absent key satisfies a negated operator: a request without the key is denied too.
    DenyOtherVpcEndpoints = !local.is_private ? null : {
      Effect    = "Deny"
      Principal = "*"
      Resource  = [local.whole_stage]
      Condition = { StringNotEquals = { "aws:SourceVpce" = setunion(var.endpoint.vpc_endpoint_ids, var.access.vpc_endpoint_ids) } }
    }

    # A VPC endpoint replaces the source address; the address within the VPC has a key of its own. It counts together with
    # the endpoint, not instead of it: in a VPC of their own anybody can have any address.
    DenyOtherAddresses = length(var.access.source_cidrs) == 0 ? null : {
      Effect    = "Deny"
      Principal = "*"
      Resource  = [local.whole_stage]
      Condition = { NotIpAddress = { (local.is_private ? "aws:VpcSourceIp" : "aws:SourceIp") = var.access.source_cidrs } }
    }
  }

  resource_policy = {
    Version = "2012-10-17"
    Statement = [
      for sid, statement in local.resource_policy_statements :
      merge({ Sid = sid, Action = "execute-api:Invoke" }, statement) if statement != null
    ]
  }
}
