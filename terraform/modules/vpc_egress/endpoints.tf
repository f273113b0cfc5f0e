locals {
  # The hosts the function calls in its own region. In GovCloud the plain hosts of Logs and STS are the FIPS ones.
  # An interface endpoint's private DNS answers for the host of its own service name only: the FIPS host needs the -fips service.
  endpoint_hosts = {
    bedrock-runtime = "bedrock-runtime${local.fips_suffix}.${local.region}.amazonaws.com"
    dynamodb        = "dynamodb${local.fips_suffix}.${local.region}.amazonaws.com"
    kms             = "kms${local.fips_suffix}.${local.region}.amazonaws.com"
    logs            = "logs.${local.region}.amazonaws.com"
    secretsmanager  = "secretsmanager${local.fips_suffix}.${local.region}.amazonaws.com"
    sts             = "sts.${local.region}.amazonaws.com"
  }

  # What goes through an endpoint, where that is less than all that its service has.
  endpoint_actions = {
    bedrock-runtime = ["bedrock:ApplyGuardrail"]
    s3              = ["s3:GetObject", "s3:PutObject"]
    sts             = ["sts:GetWebIdentityToken"]
  }

  fips_suffix = var.use_fips_endpoint ? "-fips" : ""

  endpoints           = try(var.new_vpc.endpoints, var.existing_vpc.endpoints, toset([]))
  interface_endpoints = setsubtract(local.endpoints, ["dynamodb", "s3"])
  gateway_endpoints   = setintersection(local.endpoints, ["dynamodb", "s3"])
}

# In GovCloud, DynamoDB has no PrivateLink, and S3's has no private DNS: a route is what both can have, at no cost.
resource "aws_vpc_endpoint" "gateway" {
  for_each = local.gateway_endpoints

  vpc_id            = local.vpc_id
  service_name      = "com.amazonaws.${local.region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = var.new_vpc != null ? [for table in aws_route_table.private : table.id] : var.existing_vpc.route_table_ids
  policy            = data.aws_iam_policy_document.endpoint[each.key].json

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = local.interface_endpoints

  vpc_id              = local.vpc_id
  service_name        = "com.amazonaws.${local.region}.${split(".", local.endpoint_hosts[each.key])[0]}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = local.function_subnet_ids
  security_group_ids  = [aws_security_group.endpoints[0].id]
  policy              = data.aws_iam_policy_document.endpoint[each.key].json

  tags = { Name = "${var.name}-${each.key}" }
}

# Nobody carries data out with credentials of another account, or into another account's table, secret or log.
# What the function itself may do is its role's matter. Of STS it needs one call; the token it gets is exchanged at the
# Commercial partition's STS, which no endpoint here leads to. Of this region's Bedrock it needs a guardrail, and no model;
# of S3, the objects of the audit archive.
data "aws_iam_policy_document" "endpoint" {
  for_each = local.endpoints

  statement {
    sid       = "OwnAccountOnly"
    actions   = lookup(local.endpoint_actions, each.key, ["${each.key}:*"])
    resources = ["*"]

    # Gateway endpoints take no other principal; who it may be is in the condition.
    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:PrincipalAccount"
      values   = [local.account_id]
    }

    # The call of STS has no resource whose account could be compared.
    dynamic "condition" {
      for_each = each.key == "sts" ? [] : [local.account_id]

      content {
        test     = "StringEquals"
        variable = "aws:ResourceAccount"
        values   = [condition.value]
      }
    }
  }
}
