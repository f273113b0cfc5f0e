data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

# Found by name, not taken from the list of what is available today: a zone's outage must not plan another network.
data "aws_availability_zones" "chosen" {
  count = var.new_vpc != null ? 1 : 0

  filter {
    name   = "zone-name"
    values = local.zone_names
  }

  lifecycle {
    postcondition {
      condition     = length(setsubtract(local.zone_names, self.names)) == 0
      error_message = "new_vpc.availability_zones must be zones of ${local.region}; not there: ${join(", ", setsubtract(local.zone_names, self.names))}."
    }
  }
}

locals {
  region     = data.aws_region.current.name
  partition  = data.aws_partition.current.partition
  account_id = data.aws_caller_identity.current.account_id

  vpc_id = var.new_vpc != null ? one(aws_vpc.this[*].id) : try(var.existing_vpc.vpc_id, null)

  function_subnet_ids = var.new_vpc != null ? [for subnet in aws_subnet.private : subnet.id] : sort(try(var.existing_vpc.subnet_ids, []))

  zone_names = var.new_vpc == null ? [] : (
    var.new_vpc.availability_zones != null ? var.new_vpc.availability_zones : ["${local.region}a", "${local.region}b"]
  )

  # A quarter of the VPC per zone, in the order of the list: half of it for the function, a quarter each for NAT and
  # firewall. So neither a zone added at the end nor a firewall moves a subnet.
  zones = {
    for index, zone in local.zone_names : zone => {
      private_cidr_block  = cidrsubnet(var.new_vpc.cidr_block, 3, index * 2)
      public_cidr_block   = cidrsubnet(var.new_vpc.cidr_block, 4, index * 4 + 2)
      firewall_cidr_block = cidrsubnet(var.new_vpc.cidr_block, 4, index * 4 + 3)

      # Through which zone the traffic of this one leaves.
      egress_zone = try(var.new_vpc.nat_gateways, "") == "one" ? local.zone_names[0] : zone
    }
  }

  egress_zones = toset([for zone in local.zones : zone.egress_zone])
}

# Lambda would refuse subnets of another VPC only when the function is released.
data "aws_subnets" "existing" {
  count = var.existing_vpc != null ? 1 : 0

  filter {
    name   = "vpc-id"
    values = [var.existing_vpc.vpc_id]
  }

  filter {
    name   = "subnet-id"
    values = var.existing_vpc.subnet_ids
  }

  lifecycle {
    postcondition {
      condition     = length(self.ids) == length(var.existing_vpc.subnet_ids)
      error_message = "existing_vpc.subnet_ids must all be subnets of existing_vpc.vpc_id in ${local.region}; found there: ${join(", ", self.ids)}."
    }
  }
}

resource "aws_vpc" "this" {
  count = var.new_vpc != null ? 1 : 0

  cidr_block = var.new_vpc.cidr_block

  # Private DNS of the interface endpoints needs both.
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# Emptied: what is started without a security group reaches nothing and is reached by nothing. Empty lists, because
# Terraform would leave rules alone that somebody adds later if nothing stood here.
resource "aws_default_security_group" "this" {
  count = var.new_vpc != null ? 1 : 0

  vpc_id  = aws_vpc.this[0].id
  ingress = []
  egress  = []

  tags = { Name = "${var.name}-default-without-rules" }
}

resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id                  = aws_vpc.this[0].id
  availability_zone       = each.key
  cidr_block              = each.value.private_cidr_block
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_subnet" "public" {
  for_each = local.egress_zones

  vpc_id                  = aws_vpc.this[0].id
  availability_zone       = each.key
  cidr_block              = local.zones[each.key].public_cidr_block
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_internet_gateway" "this" {
  count = var.new_vpc != null ? 1 : 0

  vpc_id = aws_vpc.this[0].id

  tags = { Name = var.name }
}

resource "aws_eip" "nat" {
  for_each = local.egress_zones

  domain = "vpc"

  tags = { Name = "${var.name}-nat-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  for_each = local.egress_zones

  subnet_id     = aws_subnet.public[each.key].id
  allocation_id = aws_eip.nat[each.key].id

  tags = { Name = "${var.name}-${each.key}" }

  depends_on = [aws_internet_gateway.this]
}
