output "policy_table_name" {
  description = "Name of the table that holds the policy."
  value       = aws_dynamodb_table.policy.name
}

output "policy_table_arn" {
  description = "ARN of the table that holds the policy."
  value       = aws_dynamodb_table.policy.arn
}

output "limits_table_name" {
  description = "Name of the table that counts requests and tokens."
  value       = aws_dynamodb_table.limits.name
}

output "limits_table_arn" {
  description = "ARN of the table that counts requests and tokens."
  value       = aws_dynamodb_table.limits.arn
}

output "deletion_protected" {
  description = "Whether the tables refuse to be deleted."
  value       = aws_dynamodb_table.policy.deletion_protection_enabled && aws_dynamodb_table.limits.deletion_protection_enabled
}
