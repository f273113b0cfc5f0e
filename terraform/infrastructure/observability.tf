module "observability" {
  source = "../modules/observability"

  name                = local.name
  function_name       = local.function_name
  api_name            = local.name
  stage_name          = module.api.stage_name
  audit_table_name    = module.audit_table.name
  kms_key_arn         = aws_kms_key.this.arn
  notification_emails = var.alarms.notification_emails
  thresholds          = var.alarms.thresholds

  audit_archive_enabled  = var.audit_archive != null
  watch_interval_minutes = var.alarms.watch_interval_minutes
}
