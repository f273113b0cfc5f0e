data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  region        = data.aws_region.current.name
  account_id    = data.aws_caller_identity.current.account_id
  partition     = data.aws_partition.current.partition
  function_name = "${var.name}-router"
}

module "audit_table" {
  source = "../../modules/dynamodb"

  name             = "${var.name}-requests"
  usage_table_name = "${var.name}-usage"
  kms_key_arn      = aws_kms_key.this.arn
}

module "policy_tables" {
  source = "../../modules/policy_tables"

  name        = var.name
  kms_key_arn = aws_kms_key.this.arn
}

module "commercial_credential" {
  source = "../../modules/secrets_manager"

  name        = "${var.name}-commercial-creds"
  description = "Credential for Amazon Bedrock in the Commercial partition"
  kms_key_arn = aws_kms_key.this.arn
}

module "api" {
  source = "../../modules/api_gateway"

  name               = var.name
  function_alias_arn = "arn:${local.partition}:lambda:${local.region}:${local.account_id}:function:${local.function_name}:live"
  kms_key_arn        = aws_kms_key.this.arn
}

module "permissions" {
  source = "../../modules/iam"

  function_name     = local.function_name
  audit_table_arn   = module.audit_table.arn
  audit_index_arns  = module.audit_table.index_arns
  usage_table_arn   = module.audit_table.usage_table_arn
  policy_table_arn  = module.policy_tables.policy_table_arn
  limits_table_arn  = module.policy_tables.limits_table_arn
  stored_credential = { secret_arn = module.commercial_credential.arn }
  kms_key_arn       = aws_kms_key.this.arn
  api_execution_arn = module.api.execution_arn
  in_vpc            = var.vpc_config != null
}

module "router" {
  source = "../../modules/lambda"

  function_name      = local.function_name
  execution_role_arn = module.permissions.execution_role_arn
  artifact           = var.artifact
  kms_key_arn        = aws_kms_key.this.arn
  api_execution_arn  = module.api.execution_arn
  vpc_config         = var.vpc_config

  # Closes records whose outcome never came; sums up what is over.
  schedules = { reconcile = "rate(2 minutes)", usage = "rate(5 minutes)" }

  # lambda_src/README.md lists all of them; the others have defaults.
  environment = {
    AUDIT_TABLE_NAME        = module.audit_table.name
    AUDIT_RETENTION_DAYS    = module.audit_table.retention_days
    POLICY_TABLE_NAME       = module.policy_tables.policy_table_name
    LIMITS_TABLE_NAME       = module.policy_tables.limits_table_name
    USAGE_TABLE_NAME        = module.audit_table.usage_table_name
    CREDENTIAL_SECRET_ID    = module.commercial_credential.arn
    POWERTOOLS_SERVICE_NAME = local.function_name
  }
}
