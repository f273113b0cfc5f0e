output "artifact_key" {
  description = "Key of the release in service; what a rollback goes back to."
  value       = var.artifact_key
}

output "policy_version" {
  description = "Version of the policy in force, as audit records name it: the SHA-256 of its canonical JSON."
  value       = module.policy.version
}

output "gradual_release" {
  description = "The gradual release under way; null if all calls go to one version."
  value       = var.gradual_release
}

output "credential_mode" {
  description = "How the release in service proves itself to the Commercial account: api_key, aws_keys or federation."
  value       = var.infrastructure.credential.mode
}

output "published_version" {
  description = "Version of the function that the last apply published or kept."
  value       = module.router.published_version
}

output "function_version" {
  description = "Version of the function the alias points to; in a gradual release the one most calls go to."
  value       = module.router.function_version
}

output "alias_arn" {
  description = "ARN of the alias the API invokes."
  value       = module.router.alias_arn
}

output "task_alias_arn" {
  description = "ARN of the alias that the schedule and operators invoke, for tasks."
  value       = module.router.task_alias_arn
}

output "stream_alias_arn" {
  description = "ARN of the alias that the audit table's stream goes through, for the archive; null without one."
  value       = module.router.stream_alias_arn
}
