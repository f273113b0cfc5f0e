output "api_url" {
  description = "Base URL of the API, ending in the stage."
  value       = module.api.api_url
}

output "credential_secret_arn" {
  description = "The secret to fill: aws secretsmanager put-secret-value --secret-id <this> --secret-string file:///dev/stdin"
  value       = module.commercial_credential.arn
}

output "caller_policy_json" {
  description = "IAM policy for the roles that may call."
  value       = module.permissions.caller_policy_json
}
