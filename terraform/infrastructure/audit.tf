module "audit_table" {
  source = "../modules/dynamodb"

  name                = "${local.name}-requests"
  usage_table_name    = "${local.name}-usage"
  stream_enabled      = var.audit_archive != null
  kms_key_arn         = aws_kms_key.this.arn
  retention_days      = var.audit_retention_days
  deletion_protection = var.deletion_protection
}

module "audit_archive" {
  source = "../modules/audit_archive"
  count  = var.audit_archive == null ? 0 : 1

  name                    = local.name
  writer_role_arns        = [local.execution_role_arn]
  retention               = var.audit_archive.retention
  cold_storage_after_days = var.audit_archive.cold_storage_after_days
  expire_after_days       = var.audit_archive.expire_after_days
  access_log_bucket       = var.artifact_access_logging ? local.access_log_bucket : null
  deletion_protection     = var.deletion_protection
}
