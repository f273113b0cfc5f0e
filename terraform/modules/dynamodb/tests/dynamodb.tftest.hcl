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
  name        = "cross-partition-test-requests"
  kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

override_resource {
  target          = aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-requests" }
}

run "the_table" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this.hash_key == "requestId" && aws_dynamodb_table.this.range_key == "timestamp"
    error_message = "The table's keys changed: DynamoDB would replace the table."
  }

  assert {
    condition = {
      for index in aws_dynamodb_table.this.global_secondary_index : index.name => [index.hash_key, index.range_key, index.projection_type]
      } == {
      by-time    = ["dayShard", "timeKey", "ALL"]
      by-outcome = ["outcomeDayShard", "timeKey", "ALL"]
    }
    error_message = "The indexes differ from what the audit trail queries."
  }

  assert {
    condition = output.index_arns == [
      "${output.arn}/index/by-outcome",
      "${output.arn}/index/by-time",
    ]
    error_message = "The ARNs of both indexes are needed to query them."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.ttl) == { attribute_name = "ttl", enabled = true }
    error_message = "Records must expire by the attribute ttl."
  }

  assert {
    condition = (
      aws_dynamodb_table.this.deletion_protection_enabled &&
      aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST" &&
      one(aws_dynamodb_table.this.point_in_time_recovery).enabled &&
      one(aws_dynamodb_table.this.server_side_encryption).kms_key_arn == var.kms_key_arn
    )
    error_message = "The table needs deletion protection, recovery to a point in time and the customer managed key."
  }
}

run "the_other_region" {
  command = plan

  providers = { aws = aws.east }

  variables {
    kms_key_arn    = "arn:aws-us-gov:kms:us-gov-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    retention_days = 90
  }

  assert {
    condition     = output.name == var.name && output.retention_days == 90
    error_message = "The table is the same in each region; its retention is handed on to the writer."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    name           = "no spaces"
    kms_key_arn    = "alias/key"
    retention_days = 0
  }

  expect_failures = [var.name, var.kms_key_arn, var.retention_days]
}
