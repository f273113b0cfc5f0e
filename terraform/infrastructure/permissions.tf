module "permissions" {
  source = "../modules/iam"

  function_name     = local.function_name
  task_alias_name   = local.task_alias_name
  audit_table_arn   = module.audit_table.arn
  audit_index_arns  = module.audit_table.index_arns
  usage_table_arn   = module.audit_table.usage_table_arn
  policy_table_arn  = module.policy_tables.policy_table_arn
  limits_table_arn  = module.policy_tables.limits_table_arn
  guardrail_arn     = var.guardrail_arn
  stored_credential = local.credential_is_stored ? { secret_arn = one(module.commercial_credential[*].arn) } : null
  federation        = local.credential_federates ? { audience = var.credential.federation.audience } : null
  kms_key_arn       = aws_kms_key.this.arn
  api_execution_arn = module.api.execution_arn
  stage_name        = module.api.stage_name

  audit_archive = var.audit_archive == null ? null : {
    stream_arn  = module.audit_table.stream_arn
    bucket_arn  = module.audit_archive[0].bucket_arn
    table_arn   = module.audit_archive[0].table_arn
    kms_key_arn = module.audit_archive[0].kms_key_arn
  }

  in_vpc                   = var.egress.new_vpc != null || var.egress.existing_vpc != null
  model_policies           = var.caller_policies.models
  create_caller_policies   = var.caller_policies.create
  permissions_boundary_arn = var.permissions_boundary_arn

  operator_access = {
    log_group_names = compact([module.api.access_log_group_name, module.api.execution_log_group_name, module.api.web_acl_log_group_name])
    alarm_names     = values(module.observability.alarm_names)
    dashboard_names = [module.observability.dashboard_name]
  }
}
