# One key for the tables, the secret, the artifacts and the logs of this environment.
resource "aws_kms_key" "this" {
  description             = "Data of ${local.name}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "this" {
  name          = "alias/${local.name}"
  target_key_id = aws_kms_key.this.key_id
}

data "aws_iam_policy_document" "key" {
  # Hands the decision to IAM. Without it, nobody could ever change this policy again.
  statement {
    sid       = "DelegateToIam"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account_id}:root"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:CallerAccount"
      values   = [local.account_id]
    }
  }

  statement {
    sid = "EncryptLogs"
    actions = [
      "kms:Decrypt",
      "kms:DescribeKey",
      "kms:Encrypt",
      "kms:GenerateDataKey",
      "kms:GenerateDataKeyWithoutPlaintext",
      "kms:ReEncryptFrom",
      "kms:ReEncryptTo",
    ]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${var.region}.amazonaws.com"]
    }

    # The execution log's name holds the API's id, which nobody knows before the key exists.
    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values = [
        for group in concat(local.log_groups, ["API-Gateway-Execution-Logs_*"]) :
        "arn:${local.partition}:logs:${var.region}:${local.account_id}:log-group:${group}"
      ]
    }
  }

  # Without it CloudWatch drops the notification of an alarm, and says nothing.
  statement {
    sid       = "EncryptAlarmNotifications"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:cloudwatch:${var.region}:${local.account_id}:alarm:${local.name}-*"]
    }
  }
}

locals {
  # The log groups of this environment, by names that are known before the groups exist.
  log_groups = concat(
    ["/aws/apigateway/${local.name}", "/aws/lambda/${local.function_name}"],
    var.api.waf == null ? [] : ["aws-waf-logs-${local.name}"],
    module.egress.log_group_names,
  )
}
