resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Why API Gateway answered 5xx by itself. The name is API Gateway's.
resource "aws_cloudwatch_log_group" "execution" {
  name              = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.this.id}/${var.stage_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

locals {
  # Who called what, and how it ended: no header, query string or body.
  access_log_format = jsonencode({
    requestId            = "$context.requestId"
    requestTime          = "$context.requestTime"
    sourceIp             = "$context.identity.sourceIp"
    userAgent            = "$context.identity.userAgent"
    caller               = "$context.identity.caller"
    userArn              = "$context.identity.userArn"
    accountId            = "$context.identity.accountId"
    method               = "$context.httpMethod"
    path                 = "$context.path"
    resourcePath         = "$context.resourcePath"
    stage                = "$context.stage"
    status               = "$context.status"
    responseLength       = "$context.responseLength"
    responseLatencyMs    = "$context.responseLatency"
    integrationLatencyMs = "$context.integrationLatency"
    integrationStatus    = "$context.integration.status"
    integrationError     = "$context.integration.error"
    errorMessage         = "$context.error.message"
    errorType            = "$context.error.responseType"
  })
}
