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
