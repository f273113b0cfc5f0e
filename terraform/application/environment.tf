locals {
  credential = var.infrastructure.credential

  # What is prepared and not chosen stays out, and so does the secret that a switch leaves in place for a while.
  federation = local.credential.mode == "federation" ? local.credential.federation : null

  # Without what is not given: the router takes {"arn": ...} or {"name": ..., "tags": ...}.
  application_profiles = {
    for model_id, profile in var.router.application_profiles : model_id => merge(
      { for field in ["arn", "name"] : field => profile[field] if profile[field] != null },
      length(profile.tags) == 0 ? {} : { tags = profile.tags },
    )
  }

  # Null stands for "not set": the name is left out.
  settings = {
    AUDIT_TABLE_NAME     = var.infrastructure.audit_table_name
    AUDIT_RETENTION_DAYS = var.infrastructure.audit_retention_days
    POLICY_TABLE_NAME    = var.infrastructure.policy_table_name
    LIMITS_TABLE_NAME    = var.infrastructure.limits_table_name
    USAGE_TABLE_NAME     = var.infrastructure.usage_table_name

    AUDIT_ARCHIVE_BUCKET     = try(var.infrastructure.audit_archive.bucket, null)
    AUDIT_ARCHIVE_TABLE_NAME = try(var.infrastructure.audit_archive.table_name, null)

    CREDENTIAL_MODE            = local.credential.mode
    CREDENTIAL_SECRET_ID       = local.federation == null ? local.credential.secret_arn : null
    CREDENTIAL_MAX_AGE_SECONDS = var.router.credential_max_age_seconds
    CREDENTIAL_ROLE_ARN        = try(local.federation.role_arn, null)
    CREDENTIAL_AUDIENCE        = try(local.federation.audience, null)

    COMMERCIAL_REGION         = var.router.commercial_region
    DISCOVERY_MAX_AGE_SECONDS = var.router.discovery_max_age_seconds
    APPLICATION_PROFILES      = length(local.application_profiles) == 0 ? null : jsonencode(local.application_profiles)
    MAX_REQUEST_BYTES         = var.router.max_request_bytes
    RESPONSE_TIMEOUT_SECONDS  = var.infrastructure.integration_timeout_seconds

    # The first 12 digits of the artifact's hash: what an audit record names as the code that wrote it.
    RELEASE = substr(trimprefix(var.artifact_key, "router/"), 0, 12)

    # Through these there are tasks only, and changes of records only, and through the API's neither: nobody can forge a call
    # of API Gateway, or a record.
    TASK_ALIAS_NAME   = var.infrastructure.task_alias_name
    STREAM_ALIAS_NAME = var.infrastructure.stream_alias_name

    AWS_USE_FIPS_ENDPOINT            = var.use_fips_endpoint
    AWS_ENDPOINT_URL_BEDROCK         = var.router.bedrock_endpoint_url
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME = var.router.bedrock_runtime_endpoint_url
    COMMERCIAL_STS_ENDPOINT_URL      = var.router.sts_endpoint_url

    POWERTOOLS_LOG_LEVEL         = var.router.log_level
    POWERTOOLS_SERVICE_NAME      = var.infrastructure.function_name
    POWERTOOLS_METRICS_NAMESPACE = "CrossPartitionInference"
  }

  environment = { for name, value in local.settings : name => tostring(value) if value != null }
}
