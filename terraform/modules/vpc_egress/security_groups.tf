resource "aws_security_group" "function" {
  count = local.uses_vpc ? 1 : 0

  name        = "${var.name}-function"
  description = "The function of ${var.name}: HTTPS out, nothing in"
  vpc_id      = local.vpc_id

  # Naming the role keeps it until this group is gone, and this group waits for the function's network interfaces.
  tags = merge({ Name = "${var.name}-function" }, { for name in var.execution_role_name[*] : "ExecutionRole" => name })
}

# To any address: those of Bedrock in the Commercial partition are many and change. Names are the firewall's matter.
resource "aws_vpc_security_group_egress_rule" "function_https" {
  count = local.uses_vpc ? 1 : 0

  security_group_id = aws_security_group.function[0].id
  description       = "HTTPS to AWS services in both partitions"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"

  tags = { Name = "${var.name}-function-https" }
}

resource "aws_security_group" "endpoints" {
  count = length(local.interface_endpoints) > 0 ? 1 : 0

  name        = "${var.name}-endpoints"
  description = "Interface endpoints of ${var.name}: HTTPS from the function only"
  vpc_id      = local.vpc_id

  tags = { Name = "${var.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints_https" {
  count = length(local.interface_endpoints) > 0 ? 1 : 0

  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "HTTPS from the function"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.function[0].id

  tags = { Name = "${var.name}-endpoints-https" }
}

locals {
  uses_vpc = var.new_vpc != null || var.existing_vpc != null
}
