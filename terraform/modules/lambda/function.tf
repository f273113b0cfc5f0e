# Lambda would create the group itself at the first call, without a key and without a retention.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.function_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "this" {
  function_name = var.function_name
  description   = "Routes inference requests to Amazon Bedrock in the Commercial partition"
  role          = var.execution_role_arn

  s3_bucket               = var.artifact.bucket
  s3_key                  = var.artifact.key
  code_signing_config_arn = var.artifact.code_signing_config_arn

  handler       = var.artifact.handler
  runtime       = var.artifact.runtime
  architectures = [var.artifact.architecture]
  publish       = true

  memory_size                    = var.memory_mb
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = var.concurrency.reserved

  kms_key_arn = var.kms_key_arn

  environment {
    variables = var.environment
  }

  # A trace that a caller started is handed on; the function starts none of its own.
  tracing_config {
    mode = "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = var.vpc_config[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

# Only the API named here, and only through its alias.
resource "aws_lambda_permission" "api" {
  statement_id  = "AllowInvokeFromApiGateway"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.this.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${var.api_execution_arn}/*"
}
