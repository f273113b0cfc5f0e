# The real provider, computing for the aws-us-gov partition without an account.
provider "aws" {
  region                      = "us-gov-west-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

provider "aws" {
  alias                       = "east"
  region                      = "us-gov-east-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = data.aws_availability_zones.chosen
  values = { names = ["us-gov-west-1a", "us-gov-west-1b", "us-gov-west-1c"] }
}

variables {
  name        = "cross-partition-test"
  kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

# Ids that name their zone, so that a route to a wrong one is seen.
override_resource {
  target          = aws_subnet.private["us-gov-west-1a"]
  override_during = plan
  values          = { id = "subnet-private-a" }
}

override_resource {
  target          = aws_subnet.private["us-gov-west-1b"]
  override_during = plan
  values          = { id = "subnet-private-b" }
}

override_resource {
  target          = aws_subnet.public["us-gov-west-1a"]
  override_during = plan
  values          = { id = "subnet-public-a" }
}

override_resource {
  target          = aws_subnet.public["us-gov-west-1b"]
  override_during = plan
  values          = { id = "subnet-public-b" }
}

override_resource {
  target          = aws_nat_gateway.this["us-gov-west-1a"]
  override_during = plan
  values          = { id = "nat-a" }
}

override_resource {
  target          = aws_nat_gateway.this["us-gov-west-1b"]
  override_during = plan
  values          = { id = "nat-b" }
}

override_resource {
  target          = aws_subnet.private["us-gov-west-1c"]
  override_during = plan
  values          = { id = "subnet-private-c" }
}

override_resource {
  target          = aws_vpc.this
  override_during = plan
  values          = { id = "vpc-new" }
}

override_resource {
  target          = aws_internet_gateway.this
  override_during = plan
  values          = { id = "igw-new" }
}

override_resource {
  target          = aws_eip.nat
  override_during = plan
  values          = { id = "eipalloc-0", public_ip = "192.0.2.1" }
}

override_resource {
  target          = aws_security_group.function
  override_during = plan
  values          = { id = "sg-function" }
}

override_resource {
  target          = aws_security_group.endpoints
  override_during = plan
  values          = { id = "sg-endpoints" }
}

run "no_vpc" {
  command = plan

  assert {
    condition     = output.vpc_config == null && output.vpc_id == null && output.security_group_id == null && output.flow_log_group_name == null
    error_message = "Outside a VPC the function has no subnets and no security group."
  }

  assert {
    condition = sum([
      length(aws_vpc.this), length(aws_default_security_group.this), length(aws_subnet.private), length(aws_subnet.public), length(aws_eip.nat),
      length(aws_nat_gateway.this), length(aws_internet_gateway.this), length(aws_route_table.private), length(aws_security_group.function),
      length(aws_security_group.endpoints), length(aws_vpc_endpoint.gateway), length(aws_vpc_endpoint.interface), length(aws_flow_log.this),
      length(aws_iam_role.flow_logs), length(aws_cloudwatch_log_group.flow), length(aws_networkfirewall_firewall.this),
      length(output.nat_public_ips), length(output.endpoint_ids), length(output.log_group_names), length(output.allowed_hosts),
    ]) == 0
    error_message = "Nothing may be created for a function outside a VPC."
  }
}

run "a_new_vpc" {
  command = plan

  variables {
    new_vpc = {}
  }

  assert {
    condition = (
      aws_vpc.this[0].cidr_block == "10.0.0.0/22" &&
      aws_vpc.this[0].enable_dns_support &&
      aws_vpc.this[0].enable_dns_hostnames
    )
    error_message = "Private DNS of the endpoints needs DNS support and DNS hostnames."
  }

  assert {
    condition = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == {
      us-gov-west-1a = "10.0.0.0/25"
      us-gov-west-1b = "10.0.1.0/25"
      } && { for zone, subnet in aws_subnet.public : zone => subnet.cidr_block } == {
      us-gov-west-1a = "10.0.0.128/26"
      us-gov-west-1b = "10.0.1.128/26"
    }
    error_message = "Each zone has a quarter of the VPC; a moved subnet is a replaced one."
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : !subnet.map_public_ip_on_launch])
    error_message = "No subnet gives out public addresses."
  }

  assert {
    condition = (
      length(aws_default_security_group.this) == 1 &&
      length(aws_default_security_group.this[0].ingress) == 0 &&
      length(aws_default_security_group.this[0].egress) == 0
    )
    error_message = "The VPC's default security group must be emptied."
  }

  assert {
    condition = { for zone, route in aws_route.private_out : zone => [route.destination_cidr_block, route.nat_gateway_id] } == {
      us-gov-west-1a = ["0.0.0.0/0", "nat-a"]
      us-gov-west-1b = ["0.0.0.0/0", "nat-b"]
    }
    error_message = "Each zone must leave through its own NAT gateway."
  }

  assert {
    condition = (
      { for zone, gateway in aws_nat_gateway.this : zone => gateway.subnet_id } == { us-gov-west-1a = "subnet-public-a", us-gov-west-1b = "subnet-public-b" } &&
      alltrue([for route in aws_route.public_out : route.gateway_id == "igw-new" && route.destination_cidr_block == "0.0.0.0/0"]) &&
      length(aws_route.public_out) == 2 &&
      length(aws_route.public_back) == 0
    )
    error_message = "NAT gateways stand in the public subnets, which lead to the internet gateway."
  }

  assert {
    condition = (
      output.vpc_config == { subnet_ids = tolist(["subnet-private-a", "subnet-private-b"]), security_group_ids = ["sg-function"] } &&
      output.vpc_id == "vpc-new" &&
      output.security_group_id == "sg-function" &&
      output.nat_public_ips == ["192.0.2.1", "192.0.2.1"] &&
      output.firewall_arn == null
    )
    error_message = "The function belongs in the private subnets and leaves with the addresses of the NAT gateways."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.function_https[0].security_group_id == "sg-function" &&
      aws_vpc_security_group_egress_rule.function_https[0].ip_protocol == "tcp" &&
      aws_vpc_security_group_egress_rule.function_https[0].from_port == 443 &&
      aws_vpc_security_group_egress_rule.function_https[0].to_port == 443
    )
    error_message = "The function may open TCP 443 only."
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.endpoints_https[0].security_group_id == "sg-endpoints" &&
      aws_vpc_security_group_ingress_rule.endpoints_https[0].referenced_security_group_id == "sg-function" &&
      aws_vpc_security_group_ingress_rule.endpoints_https[0].cidr_ipv4 == null &&
      aws_vpc_security_group_ingress_rule.endpoints_https[0].from_port == 443 &&
      aws_vpc_security_group_ingress_rule.endpoints_https[0].to_port == 443
    )
    error_message = "The endpoints answer the function only."
  }

  assert {
    condition = { for service, endpoint in aws_vpc_endpoint.interface : service => endpoint.service_name } == {
      kms            = "com.amazonaws.us-gov-west-1.kms-fips"
      logs           = "com.amazonaws.us-gov-west-1.logs"
      secretsmanager = "com.amazonaws.us-gov-west-1.secretsmanager-fips"
      sts            = "com.amazonaws.us-gov-west-1.sts"
    }
    error_message = "The interface endpoints must be those of the FIPS hosts the function calls."
  }

  assert {
    condition = alltrue([
      for endpoint in aws_vpc_endpoint.interface :
      endpoint.private_dns_enabled &&
      endpoint.vpc_endpoint_type == "Interface" &&
      endpoint.security_group_ids == toset(["sg-endpoints"]) &&
      endpoint.subnet_ids == toset(["subnet-private-a", "subnet-private-b"])
    ])
    error_message = "The function finds the interface endpoints by private DNS, in its own subnets."
  }

  assert {
    condition = (
      aws_vpc_endpoint.gateway["dynamodb"].service_name == "com.amazonaws.us-gov-west-1.dynamodb" &&
      aws_vpc_endpoint.gateway["dynamodb"].vpc_endpoint_type == "Gateway"
    )
    error_message = "DynamoDB has a gateway endpoint: PrivateLink for it does not exist in GovCloud."
  }

  assert {
    condition = alltrue([
      for service, endpoint in merge(aws_vpc_endpoint.gateway, aws_vpc_endpoint.interface) :
      one(jsondecode(endpoint.policy).Statement) == {
        Sid       = "OwnAccountOnly"
        Effect    = "Allow"
        Principal = "*"
        Action    = service == "sts" ? "sts:GetWebIdentityToken" : "${service}:*"
        Resource  = "*"
        Condition = {
          StringEquals = merge(
            { "aws:PrincipalAccount" = "123456789012" },
            service == "sts" ? {} : { "aws:ResourceAccount" = "123456789012" },
          )
        }
      }
    ])
    error_message = "Through the endpoints, only this account's principals may reach this account's resources, and of STS only identity tokens."
  }

  assert {
    condition = (
      aws_cloudwatch_log_group.flow[0].name == output.flow_log_group_name &&
      aws_cloudwatch_log_group.flow[0].kms_key_id == var.kms_key_arn &&
      aws_cloudwatch_log_group.flow[0].retention_in_days == 365 &&
      aws_flow_log.this[0].vpc_id == "vpc-new" &&
      aws_flow_log.this[0].traffic_type == "ALL" &&
      output.log_group_names == tolist(["/aws/vpc/cross-partition-test/flow"])
    )
    error_message = "All traffic goes to an encrypted flow log."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.flow_logs[0].policy).Statement == [
      {
        Sid      = "WriteFlowLogs"
        Effect   = "Allow"
        Action   = ["logs:PutLogEvents", "logs:DescribeLogStreams", "logs:CreateLogStream"]
        Resource = "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/vpc/cross-partition-test/flow:*"
      },
      {
        Sid      = "FindLogGroup"
        Effect   = "Allow"
        Action   = "logs:DescribeLogGroups"
        Resource = "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:*"
      },
    ]
    error_message = "The role of the flow logs may write its own group and nothing else."
  }

  assert {
    condition = one(jsondecode(aws_iam_role.flow_logs[0].assume_role_policy).Statement) == {
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws-us-gov:ec2:us-gov-west-1:123456789012:vpc-flow-log/*" }
      }
    }
    error_message = "Only flow logs of this account and region may take the role."
  }
}

run "one_nat_gateway_for_three_zones_and_hosts_without_fips" {
  command = plan

  variables {
    new_vpc = {
      cidr_block         = "10.20.0.0/24"
      availability_zones = ["us-gov-west-1b", "us-gov-west-1a", "us-gov-west-1c"]
      nat_gateways       = "one"
      endpoints          = ["kms", "secretsmanager"]
    }
    use_fips_endpoint  = false
    log_retention_days = 30
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["us-gov-west-1b"] && keys(aws_subnet.public) == ["us-gov-west-1b"] && keys(aws_eip.nat) == ["us-gov-west-1b"]
    error_message = "The one NAT gateway stands in the first zone of the list."
  }

  assert {
    condition     = length(aws_route.private_out) == 3 && alltrue([for route in aws_route.private_out : route.nat_gateway_id == "nat-b"])
    error_message = "All zones must leave through the one NAT gateway."
  }

  assert {
    condition = [aws_subnet.private["us-gov-west-1b"].cidr_block, aws_subnet.public["us-gov-west-1b"].cidr_block, aws_subnet.private["us-gov-west-1c"].cidr_block] == [
      "10.20.0.0/27", "10.20.0.32/28", "10.20.0.128/27",
    ]
    error_message = "The smallest VPC must hold its subnets, in the order of the zones."
  }

  assert {
    condition = { for service, endpoint in aws_vpc_endpoint.interface : service => endpoint.service_name } == {
      kms            = "com.amazonaws.us-gov-west-1.kms"
      secretsmanager = "com.amazonaws.us-gov-west-1.secretsmanager"
    }
    error_message = "Endpoints left out of the list exist elsewhere; the rest must answer for the plain hosts."
  }

  assert {
    condition     = length(aws_vpc_endpoint.gateway) == 0 && aws_cloudwatch_log_group.flow[0].retention_in_days == 30
    error_message = "The gateway endpoint was not asked for, and the log's retention was."
  }
}

run "partition_and_region_are_not_fixed" {
  command = plan

  providers = { aws = aws.east }

  variables {
    new_vpc = { firewall = {} }
  }

  override_data {
    target = data.aws_availability_zones.chosen
    values = { names = ["us-gov-east-1a", "us-gov-east-1b"] }
  }

  assert {
    condition = (
      keys(aws_subnet.private) == ["us-gov-east-1a", "us-gov-east-1b"] &&
      aws_vpc_endpoint.interface["kms"].service_name == "com.amazonaws.us-gov-east-1.kms-fips" &&
      aws_vpc_endpoint.gateway["dynamodb"].service_name == "com.amazonaws.us-gov-east-1.dynamodb" &&
      contains(output.allowed_hosts, "dynamodb-fips.us-gov-east-1.amazonaws.com")
    )
    error_message = "Zones, endpoints and hosts must follow the provider's region."
  }

  assert {
    condition = (
      aws_iam_role.flow_logs[0].name == "cross-partition-test-flow-logs-us-gov-east-1" &&
      strcontains(aws_iam_role_policy.flow_logs[0].policy, "arn:aws-us-gov:logs:us-gov-east-1:123456789012:log-group:") &&
      strcontains(aws_cloudwatch_log_resource_policy.firewall[0].policy_document, "arn:aws-us-gov:logs:us-gov-east-1:123456789012:log-group:")
    )
    error_message = "IAM is global in an account, so the role's name holds the region, and the policies name it."
  }
}

run "existing_subnets" {
  command = plan

  variables {
    existing_vpc = { vpc_id = "vpc-0123", subnet_ids = ["subnet-0b", "subnet-0a"] }
    kms_key_arn  = null
  }

  override_data {
    target = data.aws_subnets.existing
    values = { ids = ["subnet-0a", "subnet-0b"] }
  }

  assert {
    condition     = output.vpc_config == { subnet_ids = tolist(["subnet-0a", "subnet-0b"]), security_group_ids = ["sg-function"] } && output.vpc_id == "vpc-0123"
    error_message = "The function belongs in the subnets given."
  }

  assert {
    condition     = aws_security_group.function[0].vpc_id == "vpc-0123" && length(aws_vpc_security_group_egress_rule.function_https) == 1
    error_message = "The function's security group must be one of the VPC given."
  }

  assert {
    condition = sum([
      length(aws_vpc.this), length(aws_default_security_group.this), length(aws_subnet.private), length(aws_nat_gateway.this), length(aws_eip.nat),
      length(aws_route_table.private), length(aws_flow_log.this), length(aws_cloudwatch_log_group.flow), length(aws_iam_role.flow_logs),
      length(aws_vpc_endpoint.gateway), length(aws_vpc_endpoint.interface), length(aws_security_group.endpoints), length(output.log_group_names),
    ]) == 0
    error_message = "In a VPC of others nothing is created but the function's security group."
  }
}

run "endpoints_in_an_existing_vpc" {
  command = plan

  variables {
    existing_vpc = {
      vpc_id          = "vpc-0123"
      subnet_ids      = ["subnet-0a", "subnet-0b"]
      endpoints       = ["bedrock-runtime", "dynamodb", "s3", "secretsmanager"]
      route_table_ids = ["rtb-0a", "rtb-0b"]
    }
  }

  override_data {
    target = data.aws_subnets.existing
    values = { ids = ["subnet-0a", "subnet-0b"] }
  }

  assert {
    condition = (
      keys(aws_vpc_endpoint.interface) == ["bedrock-runtime", "secretsmanager"] &&
      aws_vpc_endpoint.interface["secretsmanager"].vpc_id == "vpc-0123" &&
      aws_vpc_endpoint.interface["secretsmanager"].subnet_ids == toset(["subnet-0a", "subnet-0b"]) &&
      aws_security_group.endpoints[0].vpc_id == "vpc-0123"
    )
    error_message = "Only the interface endpoints asked for are created, in the subnets given."
  }

  assert {
    condition = (
      aws_vpc_endpoint.interface["bedrock-runtime"].service_name == "com.amazonaws.us-gov-west-1.bedrock-runtime-fips" &&
      one(jsondecode(aws_vpc_endpoint.interface["bedrock-runtime"].policy).Statement).Action == "bedrock:ApplyGuardrail"
    )
    error_message = "Of this region's Bedrock, guardrails and no models are reached, by the FIPS host."
  }

  assert {
    condition = keys(aws_vpc_endpoint.gateway) == ["dynamodb", "s3"] && alltrue([
      for endpoint in aws_vpc_endpoint.gateway : endpoint.vpc_id == "vpc-0123" && endpoint.route_table_ids == toset(["rtb-0a", "rtb-0b"])
    ])
    error_message = "The gateway endpoints must be in the route tables given."
  }

  assert {
    condition = (
      aws_vpc_endpoint.gateway["s3"].service_name == "com.amazonaws.us-gov-west-1.s3" &&
      one(jsondecode(aws_vpc_endpoint.gateway["s3"].policy).Statement) == {
        Sid       = "OwnAccountOnly"
        Effect    = "Allow"
        Principal = "*"
        Action    = ["s3:PutObject", "s3:GetObject"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:PrincipalAccount" = "123456789012", "aws:ResourceAccount" = "123456789012" } }
      }
    )
    error_message = "Through S3's endpoint, objects of this account go and come, and nothing else."
  }
}

run "zones_of_another_region_are_refused" {
  command = plan

  variables {
    new_vpc = { availability_zones = ["us-gov-east-1a"] }
  }

  expect_failures = [data.aws_availability_zones.chosen]
}

run "subnets_of_another_vpc_are_refused" {
  command = plan

  variables {
    existing_vpc = { vpc_id = "vpc-0123", subnet_ids = ["subnet-0a", "subnet-0b"] }
  }

  override_data {
    target = data.aws_subnets.existing
    values = { ids = ["subnet-0a"] }
  }

  expect_failures = [data.aws_subnets.existing]
}
