# The policy itself is the application's: it changes with it, and this does not.
module "policy_tables" {
  source = "../modules/policy_tables"

  name                = local.name
  kms_key_arn         = aws_kms_key.this.arn
  deletion_protection = var.deletion_protection
}
