module "egress" {
  source = "../modules/vpc_egress"

  name               = local.name
  new_vpc            = local.new_vpc
  existing_vpc       = var.egress.existing_vpc
  use_fips_endpoint  = var.use_fips_endpoint
  kms_key_arn        = aws_kms_key.this.arn
  log_retention_days = var.log_retention_days

  execution_role_name      = module.permissions.execution_role_name
  permissions_boundary_arn = var.permissions_boundary_arn
}

locals {
  # One switch protects all that can be protected, unless the firewall's own says otherwise.
  firewall = try(var.egress.new_vpc.firewall, null)
  new_vpc = var.egress.new_vpc == null ? null : merge(var.egress.new_vpc, {
    firewall = local.firewall == null ? null : merge(local.firewall, {
      deletion_protection = coalesce(local.firewall.deletion_protection, var.deletion_protection)
    })
  })
}
