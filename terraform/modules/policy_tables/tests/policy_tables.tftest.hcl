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
variables {
  name        = "cross-partition-test"
  kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

override_resource {
  target          = aws_dynamodb_table.policy
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-policy" }
}

override_resource {
  target          = aws_dynamodb_table.limits
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-limits" }
}

run "the_tables" {
  command = plan

  assert {
    condition = (
      aws_dynamodb_table.policy.hash_key == "name" && aws_dynamodb_table.policy.range_key == null &&
      aws_dynamodb_table.limits.hash_key == "id" && aws_dynamodb_table.limits.range_key == null
    )
    error_message = "The tables' keys changed: DynamoDB would replace the tables, and the router would not find its items."
  }

  assert {
    condition     = one(aws_dynamodb_table.limits.ttl) == { attribute_name = "expiresAt", enabled = true } && length(aws_dynamodb_table.policy.ttl) == 0
    error_message = "Counters must expire by the attribute expiresAt, and the policy never."
  }

  assert {
    condition = alltrue([
      for table in [aws_dynamodb_table.policy, aws_dynamodb_table.limits] :
      table.deletion_protection_enabled && table.billing_mode == "PAY_PER_REQUEST" &&
      one(table.point_in_time_recovery).enabled && one(table.server_side_encryption).kms_key_arn == var.kms_key_arn
    ])
    error_message = "Each table needs deletion protection, recovery to a point in time and the customer managed key."
  }

  assert {
    condition = (
      output.policy_table_arn == "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-policy" &&
      output.limits_table_arn == "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-limits"
    )
    error_message = "The outputs must name each table by its own name."
  }
}

run "the_other_region" {
  command = plan

  providers = { aws = aws.east }

  variables {
    kms_key_arn         = "arn:aws-us-gov:kms:us-gov-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    deletion_protection = false
  }

  assert {
    condition     = output.policy_table_name == "cross-partition-test-policy" && output.limits_table_name == "cross-partition-test-limits"
    error_message = "The tables' names are the same in each region."
  }

  assert {
    condition     = !aws_dynamodb_table.policy.deletion_protection_enabled && !aws_dynamodb_table.limits.deletion_protection_enabled
    error_message = "One switch is for both tables."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    name        = "no spaces"
    kms_key_arn = "alias/key"
  }

  expect_failures = [var.name, var.kms_key_arn]
}
