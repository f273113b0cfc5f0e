output "execution_role_arn" {
  description = "ARN of the function's execution role."
  value       = aws_iam_role.execution.arn
}

output "execution_role_name" {
  description = "Name of the function's execution role."
  value       = aws_iam_role.execution.name
}

output "caller_policy_json" {
  description = "IAM policy that lets a caller use every operation of the API's stage."
  value       = data.aws_iam_policy_document.caller.json
}
