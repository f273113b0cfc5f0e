output "vpc_config" {
  description = "Subnets and security groups of the function, as modules/lambda takes them; null outside a VPC."
  value = local.uses_vpc ? {
    subnet_ids         = local.function_subnet_ids
    security_group_ids = aws_security_group.function[*].id
  } : null

  # A function created from this value finds its way out ready.
  depends_on = [aws_route.private_out, aws_vpc_security_group_egress_rule.function_https, aws_vpc_endpoint.interface]
}

output "vpc_id" {
  description = "Id of the VPC; null outside a VPC."
  value       = local.vpc_id
}

output "security_group_id" {
  description = "Id of the function's security group; null outside a VPC."
  value       = one(aws_security_group.function[*].id)
}

output "nat_public_ips" {
  description = "Public addresses the function is seen with by the Commercial side (`aws:SourceIp`); empty without a new VPC."
  value       = [for address in aws_eip.nat : address.public_ip]
}

output "endpoint_ids" {
  description = "Ids of the VPC endpoints of this module, by service (`aws:SourceVpce`)."
  value       = { for service, endpoint in merge(aws_vpc_endpoint.gateway, aws_vpc_endpoint.interface) : service => endpoint.id }
}

output "private_dns_names" {
  description = "Host names each interface endpoint answers for in the VPC; a host that is missing leaves through the NAT gateway."
  value = {
    for service, endpoint in aws_vpc_endpoint.interface :
    service => [for name in endpoint.dns_entry[*].dns_name : name if !endswith(name, ".vpce.amazonaws.com")]
  }
}

output "flow_log_group_name" {
  description = "Log group of the VPC's flow logs; null without a new VPC."
  value       = one(aws_cloudwatch_log_group.flow[*].name)
}

output "log_group_names" {
  description = "Names of all log groups of this module, known before they exist: the key's policy must name them."
  value       = var.new_vpc == null ? [] : concat([local.flow_log_group_name], values(local.firewall_log_group_names))
}

output "firewall_arn" {
  description = "ARN of the firewall; null without one."
  value       = one(aws_networkfirewall_firewall.this[*].arn)
}

output "allowed_hosts" {
  description = "Host names the firewall lets through; empty without one."
  value       = sort(local.allowed_hosts)
}
