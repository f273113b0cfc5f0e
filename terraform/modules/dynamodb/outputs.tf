output "name" {
  description = "Name of the table."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "ARN of the table."
  value       = aws_dynamodb_table.this.arn
}

output "index_arns" {
  description = "ARNs of the indexes `by-time` and `by-outcome`."
  value       = [for name in keys(local.indexes) : "${aws_dynamodb_table.this.arn}/index/${name}"]
}

output "retention_days" {
  description = "After how many days a record expires; the writer adds them to the time of the record for its `ttl`."
  value       = var.retention_days
}
