output "name" {
  description = "Name of the audit table."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "ARN of the audit table."
  value       = aws_dynamodb_table.this.arn
}

output "index_arns" {
  description = "ARNs of the indexes `by-caller`, `by-outcome` and `by-time`."
  value       = [for name in keys(local.indexes) : "${aws_dynamodb_table.this.arn}/index/${name}"]
}

output "stream_arn" {
  description = "ARN of the stream of changes; null without one. It is another one each time the stream is switched on."
  value       = var.stream_enabled ? aws_dynamodb_table.this.stream_arn : null
}

output "usage_table_name" {
  description = "Name of the usage table."
  value       = aws_dynamodb_table.usage.name
}

output "usage_table_arn" {
  description = "ARN of the usage table."
  value       = aws_dynamodb_table.usage.arn
}

output "retention_days" {
  description = "After how many days a record expires; the writer adds them to the time of the record for its `ttl`."
  value       = var.retention_days
}

output "deletion_protected" {
  description = "Whether the tables refuse to be deleted."
  value       = aws_dynamodb_table.this.deletion_protection_enabled && aws_dynamodb_table.usage.deletion_protection_enabled
}
