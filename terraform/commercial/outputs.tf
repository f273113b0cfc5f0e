output "region" {
  description = "Region the router must call: its variable `commercial_region`, or `region` in the secret."
  value       = var.region
}

output "api_key_user_name" {
  description = "IAM user a Bedrock API key is made for; null where there is none."
  value       = one(aws_iam_user.api_key[*].name)
}

output "invoke_policy_arn" {
  description = "Managed policy with everything the router does in Amazon Bedrock."
  value       = aws_iam_policy.invoke.arn
}

output "invoke_policy_json" {
  description = "The same policy as a document."
  value       = data.aws_iam_policy_document.invoke.json
}

output "api_key_policy_json" {
  description = "Policy that lets a user authenticate with a long-term Bedrock API key, as a document."
  value       = data.aws_iam_policy_document.api_key.json
}

output "rotation_policy_json" {
  description = "Policy for whoever rotates the user's Bedrock API key, as a document."
  value       = data.aws_iam_policy_document.rotate_api_key.json
}

output "federation_role_arn" {
  description = "Role the router in GovCloud becomes: `credential.federation.role_arn` of the infrastructure root; null without federation."
  value       = one(aws_iam_role.router[*].arn)
}

output "federation_provider_arn" {
  description = "Identity provider that stands for the GovCloud account, made here or by another environment; null without federation."
  value       = var.federation == null ? null : local.issuer_arn
}

output "federation_trust_policy_json" {
  description = "Who may become the role, as a document; null without federation."
  value       = one(data.aws_iam_policy_document.federation_trust[*].json)
}

output "application_profile_arns" {
  description = "ARNs of the application inference profiles by name: what callers send as the model id."
  value       = { for name, profile in aws_bedrock_inference_profile.this : name => profile.arn }
}

output "invocation_log" {
  description = "Where Bedrock writes its log of calls: log group, bucket and key; null where this root does not set it."
  value = !local.logging_enabled ? null : {
    log_group_name = one(aws_cloudwatch_log_group.model_invocations[*].name)
    bucket         = one(aws_s3_bucket.model_invocations[*].bucket)
    kms_key_arn    = aws_kms_key.logs[0].arn
  }
}
