# Access logs of any REST API need this role, which is one setting per account and region: hence here,
# and not in the infrastructure root, of which an account may hold several.

resource "aws_api_gateway_account" "this" {
  count = var.api_gateway_logging_enabled ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.api_gateway_logs[0].arn

  depends_on = [aws_iam_role_policy_attachment.api_gateway_logs]
}

resource "aws_iam_role" "api_gateway_logs" {
  count = var.api_gateway_logging_enabled ? 1 : 0

  name               = "${var.name_prefix}-apigateway-logs-${var.region}"
  description        = "Lets API Gateway write access logs in ${var.region}"
  assume_role_policy = data.aws_iam_policy_document.api_gateway_trust.json

  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "api_gateway_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["apigateway.amazonaws.com"]
    }
  }
}

# AWS's own policy: API Gateway checks the role for exactly these permissions before it accepts it.
resource "aws_iam_role_policy_attachment" "api_gateway_logs" {
  count = var.api_gateway_logging_enabled ? 1 : 0

  role       = aws_iam_role.api_gateway_logs[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}
