locals {
  # Names, not references to the groups: the key's policy can name the groups before they exist.
  flow_log_group_name = "/aws/vpc/${var.name}/flow"

  log_group_arn_prefix = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group"
}

resource "aws_cloudwatch_log_group" "flow" {
  count = var.new_vpc != null ? 1 : 0

  name              = local.flow_log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn

  tags = { Name = local.flow_log_group_name }
}

resource "aws_flow_log" "this" {
  count = var.new_vpc != null ? 1 : 0

  vpc_id          = aws_vpc.this[0].id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flow[0].arn
  iam_role_arn    = aws_iam_role.flow_logs[0].arn

  tags = { Name = var.name }

  # Otherwise the first deliveries are refused.
  depends_on = [aws_iam_role_policy.flow_logs]
}

# IAM is global within an account, so the name carries the region.
resource "aws_iam_role" "flow_logs" {
  count = var.new_vpc != null ? 1 : 0

  name                 = "${var.name}-flow-logs-${local.region}"
  description          = "Delivers the flow logs of the VPC ${var.name} in ${local.region}"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = data.aws_iam_policy_document.flow_logs_trust.json

  tags = { Name = "${var.name}-flow-logs-${local.region}" }
}

resource "aws_iam_role_policy" "flow_logs" {
  count = var.new_vpc != null ? 1 : 0

  name   = "deliver-flow-logs"
  role   = aws_iam_role.flow_logs[0].id
  policy = data.aws_iam_policy_document.flow_logs.json
}

data "aws_iam_policy_document" "flow_logs_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["vpc-flow-logs.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    # The flow log's id is only known once the role is in use.
    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:ec2:${local.region}:${local.account_id}:vpc-flow-log/*"]
    }
  }
}

# The group is Terraform's: a group that flow logs created would have no key and no retention.
data "aws_iam_policy_document" "flow_logs" {
  statement {
    sid       = "WriteFlowLogs"
    actions   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    resources = ["${local.log_group_arn_prefix}:${local.flow_log_group_name}:*"]
  }

  # A listing cannot be narrowed to one group.
  statement {
    sid       = "FindLogGroup"
    actions   = ["logs:DescribeLogGroups"]
    resources = ["${local.log_group_arn_prefix}:*"]
  }
}
