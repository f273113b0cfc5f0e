# Tasks the function does by the clock. Each is one event {"task": "<name>"}, sent to the alias for tasks.

resource "aws_cloudwatch_event_rule" "this" {
  for_each = var.schedules

  name                = "${var.function_name}-${each.key}"
  description         = "Task ${each.key} of ${var.function_name}"
  schedule_expression = each.value
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = var.schedules

  rule  = aws_cloudwatch_event_rule.this[each.key].name
  arn   = local.task_alias.arn
  input = jsonencode({ task = each.key })

  # The next turn comes soon enough; a late one would only say what that says.
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
}

# EventBridge invokes asynchronously, where Lambda itself would try again as well.
resource "aws_lambda_function_event_invoke_config" "this" {
  count = length(var.schedules) == 0 ? 0 : 1

  function_name                = aws_lambda_function.this.function_name
  qualifier                    = local.task_alias.name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0
}

resource "aws_lambda_permission" "schedule" {
  for_each = var.schedules

  statement_id  = "AllowTask-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  qualifier     = local.task_alias.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.this[each.key].arn
}
