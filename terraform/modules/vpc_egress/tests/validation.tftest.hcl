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
  values = { names = ["us-gov-west-1a", "us-gov-west-1b"] }
}

override_data {
  target = data.aws_subnets.existing
  values = { ids = ["subnet-0a"] }
}

variables {
  name        = "cross-partition-test"
  kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    name               = "Two--Hyphens"
    log_retention_days = 31
    new_vpc            = { cidr_block = "10.0.0.0/25" }

    execution_role_name      = "path/role"
    permissions_boundary_arn = "boundary"
  }

  expect_failures = [var.name, var.log_retention_days, var.new_vpc, var.execution_role_name, var.permissions_boundary_arn]
}

run "a_key_by_its_alias_is_refused" {
  command = plan

  variables {
    kms_key_arn = "alias/key"
  }

  expect_failures = [var.kms_key_arn]
}

run "a_name_that_leaves_no_room_for_the_region_in_a_role_is_refused" {
  command = plan

  variables {
    name = "a-name-of-thirty-three-characters"
  }

  expect_failures = [var.name]
}

run "a_network_with_host_bits_is_refused" {
  command = plan

  variables {
    new_vpc = { cidr_block = "10.0.0.1/22" }
  }

  expect_failures = [var.new_vpc]
}

run "a_cidr_block_that_is_none_is_refused" {
  command = plan

  variables {
    new_vpc = { cidr_block = "ten/22" }
  }

  expect_failures = [var.new_vpc]
}

run "a_vpc_of_its_own_without_a_key_is_refused" {
  command = plan

  variables {
    new_vpc     = {}
    kms_key_arn = null
  }

  expect_failures = [var.kms_key_arn]
}

run "a_new_and_an_existing_vpc_is_refused" {
  command = plan

  variables {
    new_vpc      = {}
    existing_vpc = { vpc_id = "vpc-0123", subnet_ids = ["subnet-0a"] }
  }

  expect_failures = [var.new_vpc]
}

run "no_zones_are_refused" {
  command = plan

  variables {
    new_vpc = { availability_zones = [] }
  }

  expect_failures = [var.new_vpc]
}

run "a_zone_twice_is_refused" {
  command = plan

  variables {
    new_vpc = { availability_zones = ["us-gov-west-1a", "us-gov-west-1a"] }
  }

  expect_failures = [var.new_vpc]
}

run "a_region_for_a_zone_is_refused" {
  command = plan

  variables {
    new_vpc = { availability_zones = ["us-gov-west-1"] }
  }

  expect_failures = [var.new_vpc]
}

run "five_zones_are_refused" {
  command = plan

  variables {
    new_vpc = { availability_zones = ["us-gov-west-1a", "us-gov-west-1b", "us-gov-west-1c", "us-gov-west-1d", "us-gov-west-1e"] }
  }

  expect_failures = [var.new_vpc]
}

run "another_number_of_nat_gateways_is_refused" {
  command = plan

  variables {
    new_vpc = { nat_gateways = "two" }
  }

  expect_failures = [var.new_vpc]
}

run "endpoints_the_function_does_not_call_are_refused" {
  command = plan

  variables {
    new_vpc = { endpoints = ["sqs"] }
  }

  expect_failures = [var.new_vpc]
}

run "commercial_regions_without_fips_endpoints_are_refused" {
  command = plan

  variables {
    new_vpc = { firewall = { commercial_regions = ["eu-west-1"] } }
  }

  expect_failures = [var.new_vpc]
}

run "no_commercial_region_is_refused" {
  command = plan

  variables {
    new_vpc = { firewall = { commercial_regions = [] } }
  }

  expect_failures = [var.new_vpc]
}

run "hosts_with_a_leading_dot_are_refused" {
  command = plan

  variables {
    new_vpc = { firewall = { allowed_hosts = [".amazonaws.com"] } }
  }

  expect_failures = [var.new_vpc]
}

run "hosts_with_a_wildcard_are_refused" {
  command = plan

  variables {
    new_vpc = { firewall = { allowed_hosts = ["*.amazonaws.com"] } }
  }

  expect_failures = [var.new_vpc]
}

run "addresses_for_hosts_are_refused" {
  command = plan

  variables {
    new_vpc = { firewall = { allowed_hosts = ["192.0.2.1"] } }
  }

  expect_failures = [var.new_vpc]
}

run "an_empty_list_of_hosts_is_refused" {
  command = plan

  variables {
    new_vpc = { firewall = { allowed_hosts = [] } }
  }

  expect_failures = [var.new_vpc]
}

run "a_default_action_that_drops_nothing_is_refused" {
  command = plan

  variables {
    new_vpc = { firewall = { default_action = "alert_established" } }
  }

  expect_failures = [var.new_vpc]
}

run "an_existing_vpc_by_name_is_refused" {
  command = plan

  variables {
    existing_vpc = { vpc_id = "main", subnet_ids = ["subnet-0a"] }
  }

  expect_failures = [var.existing_vpc]
}

run "an_existing_vpc_without_subnets_is_refused" {
  command = plan

  variables {
    existing_vpc = { vpc_id = "vpc-0123", subnet_ids = [] }
  }

  expect_failures = [var.existing_vpc]
}

run "subnets_by_name_are_refused" {
  command = plan

  variables {
    existing_vpc = { vpc_id = "vpc-0123", subnet_ids = ["private-a"] }
  }

  expect_failures = [var.existing_vpc]
}

run "other_endpoints_in_an_existing_vpc_are_refused" {
  command = plan

  variables {
    existing_vpc = { vpc_id = "vpc-0123", subnet_ids = ["subnet-0a"], endpoints = ["sqs"] }
  }

  expect_failures = [var.existing_vpc]
}

run "a_gateway_endpoint_without_route_tables_is_refused" {
  command = plan

  variables {
    existing_vpc = { vpc_id = "vpc-0123", subnet_ids = ["subnet-0a"], endpoints = ["dynamodb"] }
  }

  expect_failures = [var.existing_vpc]
}

run "route_tables_without_a_gateway_endpoint_are_refused" {
  command = plan

  variables {
    existing_vpc = { vpc_id = "vpc-0123", subnet_ids = ["subnet-0a"], route_table_ids = ["rtb-0a"] }
  }

  expect_failures = [var.existing_vpc]
}

run "route_tables_by_name_are_refused" {
  command = plan

  variables {
    existing_vpc = { vpc_id = "vpc-0123", subnet_ids = ["subnet-0a"], endpoints = ["dynamodb"], route_table_ids = ["private"] }
  }

  expect_failures = [var.existing_vpc]
}
