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
  target          = aws_subnet.firewall["us-gov-west-1a"]
  override_during = plan
  values          = { id = "subnet-firewall-a" }
}

override_resource {
  target          = aws_subnet.firewall["us-gov-west-1b"]
  override_during = plan
  values          = { id = "subnet-firewall-b" }
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
  target          = aws_route_table.private["us-gov-west-1a"]
  override_during = plan
  values          = { id = "rtb-private-a" }
}

override_resource {
  target          = aws_route_table.private["us-gov-west-1b"]
  override_during = plan
  values          = { id = "rtb-private-b" }
}

override_resource {
  target          = aws_route_table.public["us-gov-west-1a"]
  override_during = plan
  values          = { id = "rtb-public-a" }
}

override_resource {
  target          = aws_route_table.public["us-gov-west-1b"]
  override_during = plan
  values          = { id = "rtb-public-b" }
}

override_resource {
  target          = aws_route_table.firewall["us-gov-west-1a"]
  override_during = plan
  values          = { id = "rtb-firewall-a" }
}

override_resource {
  target          = aws_route_table.firewall["us-gov-west-1b"]
  override_during = plan
  values          = { id = "rtb-firewall-b" }
}

override_resource {
  target          = aws_networkfirewall_firewall.this
  override_during = plan
  values = {
    arn = "arn:aws-us-gov:network-firewall:us-gov-west-1:123456789012:firewall/cross-partition-test"
    firewall_status = [{
      sync_states = [
        { availability_zone = "us-gov-west-1a", attachment = [{ endpoint_id = "vpce-a", subnet_id = "subnet-firewall-a" }] },
        { availability_zone = "us-gov-west-1b", attachment = [{ endpoint_id = "vpce-b", subnet_id = "subnet-firewall-b" }] },
      ]
    }]
  }
}

run "a_firewall" {
  command = plan

  variables {
    new_vpc = { firewall = {} }
  }

  assert {
    condition = { for zone, route in aws_route.private_out : zone => [route.route_table_id, route.destination_cidr_block, route.vpc_endpoint_id] } == {
      us-gov-west-1a = ["rtb-private-a", "0.0.0.0/0", "vpce-a"]
      us-gov-west-1b = ["rtb-private-b", "0.0.0.0/0", "vpce-b"]
    }
    error_message = "The function's traffic must go to the firewall endpoint of its zone."
  }

  assert {
    condition = { for zone, route in aws_route.firewall_out : zone => [route.route_table_id, route.destination_cidr_block, route.nat_gateway_id] } == {
      us-gov-west-1a = ["rtb-firewall-a", "0.0.0.0/0", "nat-a"]
      us-gov-west-1b = ["rtb-firewall-b", "0.0.0.0/0", "nat-b"]
    }
    error_message = "Behind the firewall comes the NAT gateway of the same zone."
  }

  assert {
    condition = { for zone, route in aws_route.public_back : zone => [route.route_table_id, route.destination_cidr_block, route.vpc_endpoint_id] } == {
      us-gov-west-1a = ["rtb-public-a", "10.0.0.0/25", "vpce-a"]
      us-gov-west-1b = ["rtb-public-b", "10.0.1.0/25", "vpce-b"]
    }
    error_message = "Answers must pass the firewall endpoint that saw the request."
  }

  assert {
    condition = (
      { for zone, subnet in aws_subnet.firewall : zone => subnet.cidr_block } == { us-gov-west-1a = "10.0.0.192/26", us-gov-west-1b = "10.0.1.192/26" } &&
      aws_subnet.private["us-gov-west-1b"].cidr_block == "10.0.1.0/25" &&
      toset([for mapping in aws_networkfirewall_firewall.this[0].subnet_mapping : mapping.subnet_id]) == toset(["subnet-firewall-a", "subnet-firewall-b"])
    )
    error_message = "The firewall has a subnet of its own in each zone and moves no other."
  }

  assert {
    condition     = output.firewall_arn == "arn:aws-us-gov:network-firewall:us-gov-west-1:123456789012:firewall/cross-partition-test"
    error_message = "The firewall's ARN must be an output."
  }

  assert {
    condition = output.allowed_hosts == tolist([
      "bedrock-fips.us-east-1.amazonaws.com",
      "bedrock-fips.us-east-2.amazonaws.com",
      "bedrock-fips.us-west-2.amazonaws.com",
      "bedrock-runtime-fips.us-east-1.amazonaws.com",
      "bedrock-runtime-fips.us-east-2.amazonaws.com",
      "bedrock-runtime-fips.us-west-2.amazonaws.com",
      "dynamodb-fips.us-gov-west-1.amazonaws.com",
      "sts-fips.us-east-1.amazonaws.com",
      "sts-fips.us-east-2.amazonaws.com",
      "sts-fips.us-west-2.amazonaws.com",
    ])
    error_message = "By default the hosts of Bedrock and STS in the Commercial regions pass, and DynamoDB's."
  }

  assert {
    condition = (
      aws_networkfirewall_rule_group.allowed_hosts[0].type == "STATEFUL" &&
      one(one(aws_networkfirewall_rule_group.allowed_hosts[0].rule_group).stateful_rule_options).rule_order == "STRICT_ORDER" &&
      one(one(one(aws_networkfirewall_rule_group.allowed_hosts[0].rule_group).rules_source).rules_source_list).generated_rules_type == "ALLOWLIST" &&
      one(one(one(aws_networkfirewall_rule_group.allowed_hosts[0].rule_group).rules_source).rules_source_list).target_types == toset(["TLS_SNI"]) &&
      one(one(one(aws_networkfirewall_rule_group.allowed_hosts[0].rule_group).rules_source).rules_source_list).targets == toset(output.allowed_hosts)
    )
    error_message = "The rule group must let exactly these names pass, by SNI."
  }

  assert {
    condition = (
      one(aws_networkfirewall_firewall_policy.this[0].firewall_policy).stateful_default_actions == toset(["aws:drop_established", "aws:alert_established"]) &&
      one(aws_networkfirewall_firewall_policy.this[0].firewall_policy).stateless_default_actions == toset(["aws:forward_to_sfe"]) &&
      one(aws_networkfirewall_firewall_policy.this[0].firewall_policy).stateless_fragment_default_actions == toset(["aws:forward_to_sfe"]) &&
      one(one(aws_networkfirewall_firewall_policy.this[0].firewall_policy).stateful_engine_options).rule_order == "STRICT_ORDER" &&
      length(one(aws_networkfirewall_firewall_policy.this[0].firewall_policy).stateful_rule_group_reference) == 1 &&
      length(one(aws_networkfirewall_firewall_policy.this[0].firewall_policy).stateless_rule_group_reference) == 0
    )
    error_message = "What no rule lets pass must be dropped and reported."
  }

  assert {
    condition = (
      aws_networkfirewall_firewall.this[0].delete_protection &&
      aws_networkfirewall_firewall.this[0].subnet_change_protection &&
      aws_networkfirewall_firewall.this[0].firewall_policy_change_protection
    )
    error_message = "A firewall must not be lost by mistake."
  }

  assert {
    condition = alltrue([
      for encryption in [
        one(aws_networkfirewall_firewall.this[0].encryption_configuration),
        one(aws_networkfirewall_firewall_policy.this[0].encryption_configuration),
        one(aws_networkfirewall_rule_group.allowed_hosts[0].encryption_configuration),
      ] : encryption.type == "CUSTOMER_KMS" && encryption.key_id == var.kms_key_arn
    ])
    error_message = "Firewall, policy and rules are encrypted with the customer managed key."
  }

  assert {
    condition = {
      for config in one(aws_networkfirewall_logging_configuration.this[0].logging_configuration).log_destination_config :
      config.log_type => [config.log_destination_type, config.log_destination.logGroup]
      } == {
      ALERT = ["CloudWatchLogs", "/aws/network-firewall/cross-partition-test/alert"]
      FLOW  = ["CloudWatchLogs", "/aws/network-firewall/cross-partition-test/flow"]
    }
    error_message = "Refused connections and all flows must be logged."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.firewall : group.kms_key_id == var.kms_key_arn && group.retention_in_days == 365])
    error_message = "The firewall's logs are encrypted and kept."
  }

  assert {
    condition = output.log_group_names == tolist([
      "/aws/vpc/cross-partition-test/flow",
      "/aws/network-firewall/cross-partition-test/alert",
      "/aws/network-firewall/cross-partition-test/flow",
    ])
    error_message = "The key's policy needs the name of every log group."
  }

  assert {
    condition = one(jsondecode(aws_cloudwatch_log_resource_policy.firewall[0].policy_document).Statement) == {
      Sid       = "DeliverFirewallLogs"
      Effect    = "Allow"
      Action    = ["logs:PutLogEvents", "logs:CreateLogStream"]
      Principal = { Service = "delivery.logs.amazonaws.com" }
      Resource = [
        "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/network-firewall/cross-partition-test/flow:log-stream:*",
        "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/network-firewall/cross-partition-test/alert:log-stream:*",
      ]
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws-us-gov:logs:us-gov-west-1:123456789012:*" }
      }
    }
    error_message = "Log delivery may write the firewall's two groups and nothing else."
  }
}

run "one_nat_gateway_one_firewall_endpoint" {
  command = plan

  variables {
    new_vpc = {
      nat_gateways = "one"
      firewall = {
        allowed_hosts       = ["bedrock-runtime-fips.us-east-1.amazonaws.com"]
        default_action      = "drop_established_app_layer"
        deletion_protection = false
      }
    }
  }

  assert {
    condition = (
      keys(aws_subnet.firewall) == ["us-gov-west-1a"] &&
      alltrue([for route in aws_route.private_out : route.vpc_endpoint_id == "vpce-a"]) &&
      { for zone, route in aws_route.public_back : zone => [route.route_table_id, route.destination_cidr_block, route.vpc_endpoint_id] } == {
        us-gov-west-1a = ["rtb-public-a", "10.0.0.0/25", "vpce-a"]
        us-gov-west-1b = ["rtb-public-a", "10.0.1.0/25", "vpce-a"]
      }
    )
    error_message = "With one NAT gateway, both zones must pass the one firewall endpoint there and back."
  }

  assert {
    condition = (
      output.allowed_hosts == tolist(["bedrock-runtime-fips.us-east-1.amazonaws.com"]) &&
      one(aws_networkfirewall_firewall_policy.this[0].firewall_policy).stateful_default_actions == toset(["aws:drop_established_app_layer", "aws:alert_established_app_layer"]) &&
      !aws_networkfirewall_firewall.this[0].delete_protection
    )
    error_message = "A list of hosts replaces the derived one; alerts follow the drop action."
  }
}

run "hosts_without_an_endpoint_pass" {
  command = plan

  variables {
    new_vpc           = { endpoints = ["kms", "logs", "s3"], firewall = { commercial_regions = ["ca-central-1"] } }
    use_fips_endpoint = false
  }

  assert {
    condition = output.allowed_hosts == tolist([
      "bedrock-fips.ca-central-1.amazonaws.com",
      "bedrock-runtime-fips.ca-central-1.amazonaws.com",
      "dynamodb.us-gov-west-1.amazonaws.com",
      "secretsmanager.us-gov-west-1.amazonaws.com",
      "sts-fips.us-east-1.amazonaws.com",
      "sts.us-gov-west-1.amazonaws.com",
    ])
    error_message = "A service without an endpoint here must be reachable through the firewall, and S3 never."
  }
}
