# Day to day: see how the deployment does and give it a new credential, which an operator can write, but not read.
# Metrics are missing on purpose: CloudWatch knows no permission to read those of one deployment only.

locals {
  log_group_names = setunion(var.operator_access.log_group_names, ["/aws/lambda/${var.function_name}"])
}

data "aws_iam_policy_document" "operate" {
  statement {
    sid       = "ReadAuditTrailAndHealth"
    actions   = ["execute-api:Invoke"]
    resources = ["${local.stage_arn}/GET/dashboard/*", "${local.stage_arn}/GET/health"]
  }

  # CloudWatch Logs checks against the group for some calls, and against its streams for others.
  statement {
    sid     = "ReadLogs"
    actions = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"]
    resources = flatten([
      for name in local.log_group_names : [for end in ["", ":*"] : "${local.arn_prefix["logs"]}:log-group:${name}${end}"]
    ])
  }

  dynamic "statement" {
    for_each = length(var.operator_access.alarm_names) > 0 ? [1] : []

    content {
      sid       = "ReadAlarms"
      actions   = ["cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms"]
      resources = [for name in var.operator_access.alarm_names : "${local.arn_prefix["cloudwatch"]}:alarm:${name}"]
    }
  }

  # CloudWatch's dashboards belong to no region.
  dynamic "statement" {
    for_each = length(var.operator_access.dashboard_names) > 0 ? [1] : []

    content {
      sid     = "ReadDashboards"
      actions = ["cloudwatch:GetDashboard"]
      resources = [
        for name in var.operator_access.dashboard_names :
        "arn:${data.aws_partition.current.partition}:cloudwatch::${local.account_id}:dashboard/${name}"
      ]
    }
  }

  statement {
    sid       = "DescribeAuditTable"
    actions   = ["dynamodb:DescribeTable"]
    resources = [var.audit_table_arn]
  }

  statement {
    sid       = "PutCommercialCredential"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"]
    resources = [var.credential_secret_arn]
  }

  # Secrets Manager encrypts a new value in the name of whoever puts it, for this secret and no other.
  statement {
    sid       = "EncryptCommercialCredential"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [var.kms_key_arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["secretsmanager.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:SecretARN"
      values   = [var.credential_secret_arn]
    }
  }
}
