resource "aws_api_gateway_stage" "this" {
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = var.stage_name
  xray_tracing_enabled = var.tracing_enabled

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = local.access_log_format
  }
}

locals {
  # UpdateStage takes the path of a route as one token of a JSON pointer, the slash in front included:
  # ~1bedrock~1models/GET. With plain slashes the setting is stored, but it belongs to no route.
  limits = merge(
    { "*/*" = { rate_per_second = var.throttling.rate_per_second, burst = var.throttling.burst } },
    {
      for name, limit in var.throttling.routes :
      "${replace(local.operations[name].path, "/", "~1")}/${local.operations[name].method}" => limit
    },
  )
}

# A route with a limit of its own inherits none of the stage's settings, so each has all of them.
resource "aws_api_gateway_method_settings" "this" {
  for_each = local.limits

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = each.key

  settings {
    metrics_enabled = true
    # Prompts and answers must never reach a log: without the data trace, the level ERROR writes why API Gateway itself
    # failed, and neither bodies nor headers.
    data_trace_enabled = false
    logging_level      = "ERROR"
    # A cached answer would be given to whoever asks next: the caller is not part of the key.
    caching_enabled        = false
    throttling_rate_limit  = each.value.rate_per_second
    throttling_burst_limit = each.value.burst
  }

  # API Gateway would create the group itself, without our key and without a retention.
  depends_on = [aws_cloudwatch_log_group.execution]
}
