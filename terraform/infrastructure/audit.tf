module "audit_table" {
  source = "../modules/dynamodb"

  name                = "${local.name}-requests"
  kms_key_arn         = aws_kms_key.this.arn
  retention_days      = var.audit_retention_days
  deletion_protection = var.deletion_protection
}
