# Day to day: see how the deployment does and give it a new credential, which an operator can write, but not read. Where
# none is stored there is nothing to give.
# Metrics are missing on purpose: CloudWatch knows no permission to read those of one deployment only.

locals {
  task_alias_arn  = "${local.function_arn}:${var.task_alias_name}"
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

  # A new value is put beside the one in use, and the labels of the two are exchanged once the function has proved it.
  dynamic "statement" {
    for_each = var.stored_credential[*]

    content {
      sid = "PutCommercialCredential"
      actions = [
        "secretsmanager:DescribeSecret",
        "secretsmanager:ListSecretVersionIds",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
      ]
      resources = [statement.value.secret_arn]
    }
  }

  # Secrets Manager encrypts a new value in the name of whoever puts it, for this secret and no other.
  dynamic "statement" {
    for_each = var.stored_credential[*]

    content {
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
        values   = [statement.value.secret_arn]
      }
    }
  }

  # The function is who proves a new credential: what runs in service, with its role and by its way out. Never through the
  # API's alias: there, whoever invokes it could hand it an event of API Gateway that names another caller.
  dynamic "statement" {
    for_each = var.stored_credential[*]

    content {
      sid       = "ProveCommercialCredential"
      actions   = ["lambda:InvokeFunction"]
      resources = [local.task_alias_arn]
    }
  }

  # How long a request may still use the old key. AWS documents the function as the resource, and not whether an alias counts.
  dynamic "statement" {
    for_each = var.stored_credential[*]

    content {
      sid       = "ReadRouterSettings"
      actions   = ["lambda:GetFunctionConfiguration"]
      resources = [local.function_arn, local.task_alias_arn]
    }
  }

  # Lambda shows a function's variables to whoever may use their key; which version's is not documented to be in the context.
  dynamic "statement" {
    for_each = var.stored_credential[*]

    content {
      sid       = "DecryptRouterSettings"
      actions   = ["kms:Decrypt"]
      resources = [var.kms_key_arn]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["lambda.${local.region}.amazonaws.com"]
      }

      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:aws:lambda:FunctionArn"
        values   = [local.function_arn, "${local.function_arn}:*"]
      }
    }
  }
}
