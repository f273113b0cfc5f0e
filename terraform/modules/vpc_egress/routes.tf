# Without a firewall: private subnet -> NAT gateway -> internet gateway.
# With one:           private subnet -> firewall endpoint -> NAT gateway -> internet gateway,
# and answers take the same firewall endpoint back, because a firewall must see both directions.
# In front of the NAT gateway the firewall's logs show the function's own addresses.

resource "aws_route_table" "private" {
  for_each = local.zones

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_route_table_association" "private" {
  for_each = local.zones

  subnet_id      = aws_subnet.private[each.key].id
  route_table_id = aws_route_table.private[each.key].id
}

resource "aws_route" "private_out" {
  for_each = local.zones

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = local.firewall == null ? aws_nat_gateway.this[each.value.egress_zone].id : null
  vpc_endpoint_id        = local.firewall == null ? null : local.firewall_endpoint_ids[each.value.egress_zone]

  # Traffic turns to the firewall when the way behind it and back is ready.
  depends_on = [aws_route.firewall_out, aws_route.public_back, aws_route_table_association.firewall]
}

resource "aws_route_table" "public" {
  for_each = local.egress_zones

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_route_table_association" "public" {
  for_each = local.egress_zones

  subnet_id      = aws_subnet.public[each.key].id
  route_table_id = aws_route_table.public[each.key].id
}

resource "aws_route" "public_out" {
  for_each = local.egress_zones

  route_table_id         = aws_route_table.public[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this[0].id
}

# More specific than the VPC's own route, which would take answers past the firewall.
resource "aws_route" "public_back" {
  for_each = local.firewall == null ? {} : local.zones

  route_table_id         = aws_route_table.public[each.value.egress_zone].id
  destination_cidr_block = each.value.private_cidr_block
  vpc_endpoint_id        = local.firewall_endpoint_ids[each.value.egress_zone]
}

resource "aws_route_table" "firewall" {
  for_each = local.firewall_zones

  vpc_id = aws_vpc.this[0].id

  tags = { Name = "${var.name}-firewall-${each.key}" }
}

resource "aws_route_table_association" "firewall" {
  for_each = local.firewall_zones

  subnet_id      = aws_subnet.firewall[each.key].id
  route_table_id = aws_route_table.firewall[each.key].id
}

resource "aws_route" "firewall_out" {
  for_each = local.firewall_zones

  route_table_id         = aws_route_table.firewall[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.key].id
}
