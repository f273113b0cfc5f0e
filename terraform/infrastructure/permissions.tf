module "permissions" {
  source = "../modules/iam"

  function_name         = local.function_name
  audit_table_arn       = module.audit_table.arn
  audit_index_arns      = module.audit_table.index_arns
  credential_secret_arn = module.commercial_credential.arn
  kms_key_arn           = aws_kms_key.this.arn
  api_execution_arn     = module.api.execution_arn
  stage_name            = module.api.stage_name
}
