locals {
  firewall       = try(var.new_vpc.firewall, null)
  firewall_zones = local.firewall == null ? toset([]) : local.egress_zones

  # Exact names only. sts-fips does not exist in ca-central-1; credentials of us-east-1 are good there too.
  commercial_hosts = flatten([
    for region in try(local.firewall.commercial_regions, []) : [
      "bedrock-fips.${region}.amazonaws.com",
      "bedrock-runtime-fips.${region}.amazonaws.com",
      "sts-fips.${region == "ca-central-1" ? "us-east-1" : region}.amazonaws.com",
    ]
  ])

  # Hosts that no interface endpoint takes past the firewall. DynamoDB's is always among them: whether every address
  # of its FIPS host is in the gateway endpoint's prefix list is documented nowhere. This region's Bedrock is never among them:
  # a guardrail decides what may leave, so what it is asked about goes through its endpoint. Nor is S3: past its endpoint, whoever
  # may reach the archive's host may write to any bucket.
  own_region_hosts = [
    for service, host in local.endpoint_hosts : host if !contains(local.interface_endpoints, service) && service != "bedrock-runtime"
  ]

  allowed_hosts = local.firewall == null ? toset([]) : (
    local.firewall.allowed_hosts != null ? local.firewall.allowed_hosts : toset(concat(local.commercial_hosts, local.own_region_hosts))
  )

  firewall_endpoint_ids = merge([
    for firewall in aws_networkfirewall_firewall.this : {
      for state in one(firewall.firewall_status).sync_states : state.availability_zone => one(state.attachment).endpoint_id
    }
  ]...)
}

resource "aws_subnet" "firewall" {
  for_each = local.firewall_zones

  vpc_id                  = aws_vpc.this[0].id
  availability_zone       = each.key
  cidr_block              = local.zones[each.key].firewall_cidr_block
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-firewall-${each.key}" }
}

resource "aws_networkfirewall_rule_group" "allowed_hosts" {
  count = local.firewall != null ? 1 : 0

  name        = "${var.name}-allowed-hosts"
  description = "TLS to the hosts that ${var.name} calls"
  type        = "STATEFUL"

  # Room for the longest list: the capacity of a rule group can never change.
  capacity = 300

  rule_group {
    rules_source {
      rules_source_list {
        generated_rules_type = "ALLOWLIST"
        target_types         = ["TLS_SNI"]
        targets              = local.allowed_hosts
      }
    }

    stateful_rule_options {
      rule_order = "STRICT_ORDER"
    }
  }

  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = var.kms_key_arn
  }

  tags = { Name = "${var.name}-allowed-hosts" }
}

resource "aws_networkfirewall_firewall_policy" "this" {
  count = local.firewall != null ? 1 : 0

  name        = var.name
  description = "Lets ${var.name} out to its list of hosts; everything else is dropped"

  firewall_policy {
    stateless_default_actions          = ["aws:forward_to_sfe"]
    stateless_fragment_default_actions = ["aws:forward_to_sfe"]

    # In strict order an allow-list drops nothing by itself. A handshake must get through for the SNI to be seen.
    stateful_default_actions = [
      "aws:${local.firewall.default_action}",
      "aws:${replace(local.firewall.default_action, "drop_", "alert_")}",
    ]

    # A connection whose beginning the firewall did not see is reset, not left to time out.
    stateful_engine_options {
      rule_order              = "STRICT_ORDER"
      stream_exception_policy = "REJECT"
    }

    stateful_rule_group_reference {
      priority     = 1
      resource_arn = aws_networkfirewall_rule_group.allowed_hosts[0].arn
    }
  }

  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = var.kms_key_arn
  }

  tags = { Name = var.name }
}

resource "aws_networkfirewall_firewall" "this" {
  count = local.firewall != null ? 1 : 0

  name                = var.name
  description         = "Between the function of ${var.name} and the NAT gateways"
  vpc_id              = aws_vpc.this[0].id
  firewall_policy_arn = aws_networkfirewall_firewall_policy.this[0].arn

  delete_protection                 = local.firewall.deletion_protection
  subnet_change_protection          = local.firewall.deletion_protection
  firewall_policy_change_protection = local.firewall.deletion_protection

  dynamic "subnet_mapping" {
    for_each = aws_subnet.firewall

    content {
      subnet_id = subnet_mapping.value.id
    }
  }

  encryption_configuration {
    type   = "CUSTOMER_KMS"
    key_id = var.kms_key_arn
  }

  tags = { Name = var.name }
}
