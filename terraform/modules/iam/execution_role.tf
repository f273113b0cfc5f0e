data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  region = data.aws_region.current.name

  log_streams_arn = join(":", [
    "arn", data.aws_partition.current.partition, "logs", local.region, data.aws_caller_identity.current.account_id,
    "log-group", "/aws/lambda/${var.function_name}", "*",
  ])
}

# IAM is global within an account, so the name carries the region.
resource "aws_iam_role" "execution" {
  name               = "${var.function_name}-${local.region}"
  description        = "Execution role of ${var.function_name} in ${local.region}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

# No aws:SourceAccount: a function can only be given a role of its own account (iam:PassRole),
# and AWS does not document that Lambda sends the key when it assumes an execution role.
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "router"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}

data "aws_iam_policy_document" "execution" {
  # The log group is Terraform's: the function may not create one, which would have no key and no retention.
  statement {
    sid       = "WriteOwnLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [local.log_streams_arn]
  }

  # A record is put once and completed once; it can be neither read back by key nor deleted.
  statement {
    sid       = "WriteAuditTrail"
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
    resources = [var.audit_table_arn]
  }

  statement {
    sid       = "ReadAuditTrail"
    actions   = ["dynamodb:Query"]
    resources = var.audit_index_arns
  }

  statement {
    sid       = "ReadCommercialCredential"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.credential_secret_arn]
  }

  # Both services decrypt in the name of whoever calls them. New data keys are only needed by those
  # who create the table or put the secret's value.
  statement {
    sid       = "DecryptThroughServices"
    actions   = ["kms:Decrypt"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [for service in ["dynamodb", "secretsmanager"] : "${service}.${local.region}.amazonaws.com"]
    }
  }
}
