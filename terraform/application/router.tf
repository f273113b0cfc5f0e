module "router" {
  source = "../modules/lambda"

  function_name      = var.infrastructure.function_name
  alias_name         = var.infrastructure.alias_name
  execution_role_arn = var.infrastructure.execution_role_arn
  artifact           = { bucket = var.infrastructure.artifact_bucket, key = var.artifact_key }

  environment          = local.environment
  architecture         = var.router.architecture
  memory_mb            = var.router.memory_mb
  reserved_concurrency = var.router.reserved_concurrency
  vpc_config           = var.infrastructure.vpc_config

  # One second more than API Gateway waits: the router ends a call itself and completes its record.
  timeout_seconds = var.infrastructure.integration_timeout_seconds + 1

  log_retention_days = var.infrastructure.log_retention_days
  kms_key_arn        = var.infrastructure.kms_key_arn
  api_execution_arn  = var.infrastructure.api_execution_arn
}
