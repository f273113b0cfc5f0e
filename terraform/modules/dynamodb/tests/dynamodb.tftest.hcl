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
  name             = "cross-partition-test-requests"
  usage_table_name = "cross-partition-test-usage"
  kms_key_arn      = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

override_resource {
  target          = aws_dynamodb_table.this
  override_during = plan
  values = {
    arn        = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-requests"
    stream_arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-requests/stream/2026-11-22T00:00:00.000"
  }
}

override_resource {
  target          = aws_dynamodb_table.usage
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-usage" }
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
      by-time    = ["dayShard", "timeKey", "INCLUDE"]
      by-caller  = ["callerDayShard", "timeKey", "INCLUDE"]
      by-outcome = ["outcomeDayShard", "timeKey", "INCLUDE"]
    }
    error_message = "The indexes differ from what the audit trail queries."
  }

  # What an outcome writes, as lambda_src/inference_proxy/audit.py does: an index that repeats any of it is written as well.
  assert {
    condition = alltrue([
      for index in aws_dynamodb_table.this.global_secondary_index : toset(index.non_key_attributes) == toset([
        "callerArn", "classification", "decision", "foundationModelId", "modelId", "resolvedModelId", "ttl",
      ]) if index.name != "by-outcome"
    ])
    error_message = "An outcome must write no index but by-outcome."
  }

  assert {
    condition = one([
      for index in aws_dynamodb_table.this.global_secondary_index : toset(index.non_key_attributes) if index.name == "by-outcome"
      ]) == toset([
      "cacheReadInputTokens", "cacheWriteInputTokens", "callerArn", "classification", "decision", "errorCode", "foundationModelId", "inputTokens",
      "latency", "modelId", "operation", "outputTokens", "requestSize", "resolvedModelId", "responseSize", "state", "statusCode", "ttl",
      "upstreamLatencyMs",
    ])
    error_message = "Usage is counted from this index alone."
  }

  assert {
    condition = output.index_arns == [
      "${output.arn}/index/by-caller",
      "${output.arn}/index/by-outcome",
      "${output.arn}/index/by-time",
    ]
    error_message = "The ARNs of all indexes are needed to query them."
  }

  assert {
    condition     = !aws_dynamodb_table.this.stream_enabled && output.stream_arn == null
    error_message = "By default there is no stream."
  }

  assert {
    condition = (
      [aws_dynamodb_table.usage.hash_key, aws_dynamodb_table.usage.range_key] == ["day", "slice"] &&
      one(aws_dynamodb_table.usage.ttl) == { attribute_name = "ttl", enabled = true } &&
      aws_dynamodb_table.usage.deletion_protection_enabled &&
      aws_dynamodb_table.usage.billing_mode == "PAY_PER_REQUEST" &&
      one(aws_dynamodb_table.usage.point_in_time_recovery).enabled &&
      one(aws_dynamodb_table.usage.server_side_encryption).kms_key_arn == var.kms_key_arn
    )
    error_message = "The usage table must be as safe as the audit table, and its keys as the router queries them."
  }

  assert {
    condition     = output.usage_table_name == "cross-partition-test-usage" && endswith(output.usage_table_arn, ":table/cross-partition-test-usage")
    error_message = "The usage table must be found by the outputs."
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

run "the_other_region_and_a_stream" {
  command = plan

  providers = { aws = aws.east }

  variables {
    kms_key_arn    = "arn:aws-us-gov:kms:us-gov-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    retention_days = 90
    stream_enabled = true
  }

  assert {
    condition     = aws_dynamodb_table.this.stream_view_type == "NEW_AND_OLD_IMAGES" && strcontains(output.stream_arn, "/stream/")
    error_message = "The archive must see what a change replaced."
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

# It is compared with name, which must be right then.
run "a_short_name_of_the_usage_table_is_refused" {
  command = plan

  variables {
    usage_table_name = "no"
  }

  expect_failures = [var.usage_table_name]
}

run "one_table_for_both_is_refused" {
  command = plan

  variables {
    usage_table_name = "cross-partition-test-requests"
  }

  expect_failures = [var.usage_table_name]
}
