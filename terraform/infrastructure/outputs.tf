output "application_inputs" {
  description = "Everything the application root needs from this one: its variable `infrastructure`."
  value = {
    name               = local.name
    region             = var.region
    function_name      = local.function_name
    alias_name         = local.alias_name
    task_alias_name    = local.task_alias_name
    stream_alias_name  = local.stream_alias_name
    execution_role_arn = module.permissions.execution_role_arn
    audit_table_name   = module.audit_table.name
    policy_table_name  = module.policy_tables.policy_table_name
    limits_table_name  = module.policy_tables.limits_table_name
    usage_table_name   = module.audit_table.usage_table_name
    audit_archive = var.audit_archive == null ? null : {
      bucket                  = module.audit_archive[0].bucket_name
      table_name              = module.audit_archive[0].table_name
      stream_arn              = module.audit_table.stream_arn
      batching_window_seconds = var.audit_archive.batching_window_seconds
      retention               = module.audit_archive[0].retention
      kms_key_arn             = module.audit_archive[0].kms_key_arn
      expire_after_days       = module.audit_archive[0].expire_after_days
    }
    credential = {
      mode       = var.credential.mode
      secret_arn = one(module.commercial_credential[*].arn)
      federation = var.credential.federation
    }
    guardrail_arn               = var.guardrail_arn
    artifact_bucket             = aws_s3_bucket.artifacts.bucket
    api_execution_arn           = module.api.execution_arn
    kms_key_arn                 = aws_kms_key.this.arn
    integration_timeout_seconds = var.integration_timeout_seconds
    audit_retention_days        = module.audit_table.retention_days
    log_retention_days          = var.log_retention_days
    watch_interval_minutes      = var.alarms.watch_interval_minutes
    vpc_config                  = module.egress.vpc_config
    tags                        = local.tags
  }
}

output "api_id" {
  description = "Id of the REST API."
  value       = module.api.api_id
}

output "api_url" {
  description = "Base URL of the API: the custom domain if there is one, otherwise the default endpoint, ending in the stage."
  value       = module.api.api_url
}

output "stage_name" {
  description = "Stage the API is deployed to."
  value       = module.api.stage_name
}

output "artifact_bucket" {
  description = "Bucket releases are uploaded to."
  value       = aws_s3_bucket.artifacts.bucket
}

output "audit_table_name" {
  description = "Name of the audit table."
  value       = module.audit_table.name
}

output "caller_policy_json" {
  description = "IAM policy that lets a caller use every operation of the API, the dashboard included."
  value       = module.permissions.caller_policy_json
}

output "caller_policies_json" {
  description = "IAM policies by name: `invoke-all`, `read-dashboard`, `operate`, `audit`, and `invoke-models-<name>` for each of caller_policies.models."
  value       = module.permissions.policies_json
}

output "caller_policy_arns" {
  description = "ARNs of the same policies by name, where caller_policies.create makes them managed policies."
  value       = module.permissions.policy_arns
}

output "alarm_topic_arn" {
  description = "Topic that every alarm notifies."
  value       = module.observability.topic_arn
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = module.observability.dashboard_name
}

output "custom_domain" {
  description = "The custom domain, with the target and hosted zone of its alias record; null if there is none."
  value       = module.api.custom_domain
}

output "nat_public_ips" {
  description = "Public addresses that the Commercial side sees, for its allow-list; empty without a VPC of its own."
  value       = module.egress.nat_public_ips
}

output "credential_secret_arn" {
  description = "ARN of the secret that an operator fills with the Commercial credential; null where none is stored."
  value       = one(module.commercial_credential[*].arn)
}

output "execution_role_arn" {
  description = "ARN of the function's role: with federation, the subject that the Commercial account's role trusts."
  value       = module.permissions.execution_role_arn
}

output "function_alias_arn" {
  description = "ARN of the alias the API invokes; it exists once the application root is applied."
  value       = local.function_alias_arn
}
