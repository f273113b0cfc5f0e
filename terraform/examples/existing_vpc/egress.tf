# The network team owns the VPC and its way out; this adds the function's security group and the endpoints it lacks.
module "egress" {
  source = "../../modules/vpc_egress"

  name = "inference"

  existing_vpc = {
    vpc_id          = var.vpc_id
    subnet_ids      = var.subnet_ids
    endpoints       = ["dynamodb", "secretsmanager"]
    route_table_ids = var.route_table_ids
  }
}

module "gateway" {
  source = "../minimal"

  name       = "inference"
  artifact   = var.artifact
  vpc_config = module.egress.vpc_config
}
