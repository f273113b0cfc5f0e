module "router" {
  source = "../modules/lambda"

  function_name      = var.infrastructure.function_name
  alias_name         = var.infrastructure.alias_name
  task_alias_name    = var.infrastructure.task_alias_name
  execution_role_arn = var.infrastructure.execution_role_arn
  gradual_release    = var.gradual_release

  artifact = {
    bucket                  = var.infrastructure.artifact_bucket
    key                     = var.artifact_key
    architecture            = var.router.architecture
    code_signing_config_arn = var.router.code_signing_config_arn
  }

  environment = local.environment
  memory_mb   = var.router.memory_mb
  concurrency = { reserved = var.router.reserved_concurrency, provisioned = var.router.provisioned_concurrency }
  vpc_config  = var.infrastructure.vpc_config

  # operations/watch.py looks at what an alarm is for, reconcile.py closes records whose outcome never came, usage.py sums up
  # what is over.
  schedules = {
    watch     = "rate(${var.infrastructure.watch_interval_minutes} ${var.infrastructure.watch_interval_minutes == 1 ? "minute" : "minutes"})"
    reconcile = "rate(2 minutes)"
    usage     = "rate(5 minutes)"
  }

  # Every change of a record, for the archive.
  stream = var.infrastructure.audit_archive == null ? null : {
    arn                     = var.infrastructure.audit_archive.stream_arn
    alias_name              = var.infrastructure.stream_alias_name
    batching_window_seconds = var.infrastructure.audit_archive.batching_window_seconds
  }

  # One second more than API Gateway waits: the router ends a call itself and completes its record.
  timeout_seconds = var.infrastructure.integration_timeout_seconds + 1

  log_retention_days = var.infrastructure.log_retention_days
  kms_key_arn        = var.infrastructure.kms_key_arn
  api_execution_arn  = var.infrastructure.api_execution_arn
}
