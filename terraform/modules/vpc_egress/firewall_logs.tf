locals {
  # By the log type of Network Firewall.
  firewall_log_group_names = local.firewall == null ? {} : {
    ALERT = "/aws/network-firewall/${var.name}/alert"
    FLOW  = "/aws/network-firewall/${var.name}/flow"
  }
}

resource "aws_cloudwatch_log_group" "firewall" {
  for_each = local.firewall_log_group_names

  name              = each.value
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn

  tags = { Name = each.value }
}

resource "aws_networkfirewall_logging_configuration" "this" {
  count = local.firewall != null ? 1 : 0

  firewall_arn = aws_networkfirewall_firewall.this[0].arn

  logging_configuration {
    dynamic "log_destination_config" {
      for_each = aws_cloudwatch_log_group.firewall

      content {
        log_type             = log_destination_config.key
        log_destination_type = "CloudWatchLogs"
        log_destination      = { logGroup = log_destination_config.value.name }
      }
    }
  }

  depends_on = [aws_cloudwatch_log_resource_policy.firewall]
}

# Without it AWS would write a policy of its own into the account when logging is switched on.
resource "aws_cloudwatch_log_resource_policy" "firewall" {
  count = local.firewall != null ? 1 : 0

  policy_name     = "${var.name}-network-firewall"
  policy_document = data.aws_iam_policy_document.firewall_logs[0].json
}

data "aws_iam_policy_document" "firewall_logs" {
  count = local.firewall != null ? 1 : 0

  statement {
    sid       = "DeliverFirewallLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [for name in values(local.firewall_log_group_names) : "${local.log_group_arn_prefix}:${name}:log-stream:*"]

    principals {
      type        = "Service"
      identifiers = ["delivery.logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:logs:${local.region}:${local.account_id}:*"]
    }
  }
}
