module "api" {
  source = "../modules/api_gateway"

  name                        = local.name
  function_alias_arn          = local.function_alias_arn
  integration_timeout_seconds = var.integration_timeout_seconds
  throttling                  = var.throttling
  endpoint                    = var.api.endpoint
  access                      = var.api.access
  domain                      = var.api.domain
  waf                         = var.api.waf
  log_retention_days          = var.log_retention_days
  kms_key_arn                 = aws_kms_key.this.arn
}
