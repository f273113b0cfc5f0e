output "execution_role_arn" {
  description = "ARN of the function's execution role."
  value       = aws_iam_role.execution.arn
}

output "execution_role_name" {
  description = "Name of the function's execution role."
  value       = aws_iam_role.execution.name

  # Whoever keeps the role keeps what it may do.
  depends_on = [aws_iam_role_policy.execution]
}

output "execution_policy_json" {
  description = "Policy of the execution role: all that the function may do."
  value       = data.aws_iam_policy_document.execution.json
}

output "caller_policy_json" {
  description = "IAM policy that lets a caller use every operation of the API's stage, the dashboard included."
  value       = data.aws_iam_policy_document.caller.json
}

output "policies_json" {
  description = "Policies for callers and operators by name: invoke-all, read-dashboard, operate, audit and invoke-models-<name> for each of model_policies."
  value       = local.caller_policies
}

output "policy_arns" {
  description = "ARNs of the same policies by name; empty unless create_caller_policies is true."
  value       = { for name, policy in aws_iam_policy.caller : name => policy.arn }
}
