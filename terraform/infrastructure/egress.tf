module "egress" {
  source = "../modules/vpc_egress"

  name               = local.name
  new_vpc            = var.egress.new_vpc
  existing_vpc       = var.egress.existing_vpc
  use_fips_endpoint  = var.use_fips_endpoint
  kms_key_arn        = aws_kms_key.this.arn
  log_retention_days = var.log_retention_days
}
