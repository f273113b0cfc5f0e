output "artifact_key" {
  description = "Key of the release in service; what a rollback goes back to."
  value       = var.artifact_key
}

output "function_version" {
  description = "Version of the function the alias points to."
  value       = module.router.function_version
}

output "alias_arn" {
  description = "ARN of the alias the API invokes."
  value       = module.router.alias_arn
}
