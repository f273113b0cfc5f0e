# Only the container: the value is put in by an operator and never passes through Terraform or its state.
resource "aws_secretsmanager_secret" "this" {
  name                    = var.name
  description             = var.description
  kms_key_id              = local.kms_key_arn
  recovery_window_in_days = var.recovery_window_days
}

resource "aws_secretsmanager_secret_policy" "this" {
  secret_arn          = aws_secretsmanager_secret.this.arn
  policy              = data.aws_iam_policy_document.resource.json
  block_public_policy = true
}

data "aws_caller_identity" "current" {}

# A second lock: within this account IAM decides, and nothing written here later can open the secret to another.
# There is no statement about TLS because Secrets Manager has no endpoint without it.
data "aws_iam_policy_document" "resource" {
  statement {
    sid       = "DenyOtherAccounts"
    effect    = "Deny"
    actions   = ["secretsmanager:*"]
    resources = ["*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "StringNotEquals"
      variable = "aws:PrincipalAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}
