# A role for the router in GovCloud that needs no stored secret: GovCloud STS signs who the router is, and STS here gives
# a session of this role for it. "Federating AWS identities across AWS partitions", IAM User Guide.
locals {
  # What IAM calls the provider, and what its condition keys begin with.
  issuer = try(trimprefix(var.federation.issuer_url, "https://"), null)

  # Built from the issuer, so that a first plan shows the trust policy, and another environment's provider can be named.
  issuer_arn = try("arn:aws:iam::${local.account_id}:oidc-provider/${local.issuer}", null)
}

# No thumbprints: IAM trusts the issuer's certificate by its own list of authorities.
resource "aws_iam_openid_connect_provider" "govcloud" {
  count = try(var.federation.create_provider, false) ? 1 : 0

  url            = var.federation.issuer_url
  client_id_list = [var.federation.audience]
}

resource "aws_iam_role" "router" {
  count = var.federation != null ? 1 : 0

  name                 = "${local.iam_name}-router"
  description          = "What the router of ${local.name} becomes in this account"
  assume_role_policy   = data.aws_iam_policy_document.federation_trust[0].json
  permissions_boundary = var.permissions_boundary_arn

  # The router renews after three quarters of it.
  max_session_duration = 3600

  depends_on = [aws_iam_openid_connect_provider.govcloud]
}

data "aws_iam_policy_document" "federation_trust" {
  count = var.federation != null ? 1 : 0

  statement {
    sid     = "ExchangeIdentityToken"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [local.issuer_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = [var.federation.audience]
    }

    # A token's subject is the role, not its session. Every principal of the GovCloud account shares the issuer.
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = [var.federation.subject_role_arn]
    }

    # A token that was stolen on its way is worth nothing elsewhere, as the session is by the invoke policy's denial.
    dynamic "condition" {
      for_each = length(var.allowed_source_cidrs) > 0 ? [var.allowed_source_cidrs] : []

      content {
        test     = "IpAddress"
        variable = "aws:SourceIp"
        values   = condition.value
      }
    }
  }
}

resource "aws_iam_role_policy_attachment" "router" {
  count = var.federation != null ? 1 : 0

  role       = aws_iam_role.router[0].name
  policy_arn = aws_iam_policy.invoke.arn
}

# As with the user: what somebody attaches beside it, the next apply takes away.
resource "aws_iam_role_policy_attachments_exclusive" "router" {
  count = var.federation != null ? 1 : 0

  role_name   = aws_iam_role.router[0].name
  policy_arns = [aws_iam_policy.invoke.arn]
}

resource "aws_iam_role_policies_exclusive" "router" {
  count = var.federation != null ? 1 : 0

  role_name    = aws_iam_role.router[0].name
  policy_names = []
}
