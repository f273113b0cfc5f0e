output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the function, without a version."
  value       = aws_lambda_function.this.arn
}

output "function_version" {
  description = "The version the alias points to; in a gradual release the one most calls go to."
  value       = aws_lambda_alias.this.function_version
}

output "published_version" {
  description = "The version this apply published; the same as `function_version` unless a release is gradual."
  value       = aws_lambda_function.this.version
}

output "alias_arn" {
  description = "ARN of the alias."
  value       = aws_lambda_alias.this.arn
}

output "task_alias_arn" {
  description = "ARN of the alias that tasks go through: its own, or the same as `alias_arn` where task_alias_name is null."
  value       = local.task_alias.arn
}

output "stream_alias_arn" {
  description = "ARN of the alias that the stream's changes go through: its own, or the same as `task_alias_arn` where stream.alias_name is null; null without a stream."
  value       = var.stream == null ? null : local.stream_alias.arn
}

output "log_group_name" {
  description = "Log group of the function."
  value       = aws_cloudwatch_log_group.this.name
}

output "stream" {
  description = "What feeds the function: ARN of the stream, and for how many seconds its changes are gathered; null without one."
  value = one([
    for mapping in aws_lambda_event_source_mapping.stream :
    { arn = mapping.event_source_arn, batching_window_seconds = mapping.maximum_batching_window_in_seconds }
  ])
}
