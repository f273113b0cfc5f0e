# A Bedrock API key belongs to an IAM user. The key itself is made by hand (README): Terraform would keep it in its state.
resource "aws_iam_user" "api_key" {
  count = var.api_key_user_enabled ? 1 : 0

  name                 = local.iam_name
  permissions_boundary = var.permissions_boundary_arn
}

# Policies sit on a group, never on the user.
resource "aws_iam_group" "api_key" {
  count = var.api_key_user_enabled ? 1 : 0

  name = local.iam_name
}

resource "aws_iam_group_membership" "api_key" {
  count = var.api_key_user_enabled ? 1 : 0

  name  = local.iam_name
  group = aws_iam_group.api_key[0].name
  users = [aws_iam_user.api_key[0].name]
}

resource "aws_iam_policy" "api_key" {
  count = var.api_key_user_enabled ? 1 : 0

  name        = "${local.iam_name}-api-key"
  description = "Lets the user of ${local.name} authenticate with a long-term Bedrock API key"
  policy      = data.aws_iam_policy_document.api_key.json
}

data "aws_iam_policy_document" "api_key" {
  # It has no resource to name. What a call with the key may do is the other policy's matter.
  statement {
    sid       = "AuthenticateWithLongTermKey"
    actions   = ["bedrock:CallWithBearerToken"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "bedrock:bearerTokenType"
      values   = ["LONG_TERM"]
    }
  }
}

resource "aws_iam_group_policy_attachment" "api_key" {
  for_each = var.api_key_user_enabled ? { api_key = aws_iam_policy.api_key[0].arn, invoke = aws_iam_policy.invoke.arn } : {}

  group      = aws_iam_group.api_key[0].name
  policy_arn = each.value
}

# The Bedrock console attaches AmazonBedrockLimitedAccess to users it makes keys for. Whatever is attached to this
# user beside the group shows up in the next plan, and the next apply takes it away.
resource "aws_iam_user_policy_attachments_exclusive" "api_key" {
  count = var.api_key_user_enabled ? 1 : 0

  user_name   = aws_iam_user.api_key[0].name
  policy_arns = []
}

resource "aws_iam_user_policies_exclusive" "api_key" {
  count = var.api_key_user_enabled ? 1 : 0

  user_name    = aws_iam_user.api_key[0].name
  policy_names = []
}
