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

override_resource {
  target          = aws_kms_key.this
  override_during = plan
  values          = { arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
}

override_resource {
  target          = aws_dynamodb_table.head
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-audit-archive" }
}

variables {
  name             = "cross-partition-test"
  writer_role_arns = ["arn:aws-us-gov:iam::123456789012:role/cross-partition-test-router-us-gov-west-1"]
}

run "the_archive" {
  command = plan

  assert {
    condition = (
      output.bucket_name == "cross-partition-test-audit-123456789012-us-gov-west-1" &&
      output.bucket_arn == "arn:aws-us-gov:s3:::cross-partition-test-audit-123456789012-us-gov-west-1"
    )
    error_message = "Names of buckets are global within the partition: this one must hold the account and the region."
  }

  assert {
    condition = (
      aws_s3_bucket.this.object_lock_enabled && !aws_s3_bucket.this.force_destroy &&
      aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled" &&
      aws_s3_bucket_object_lock_configuration.this.rule[0].default_retention[0].mode == "COMPLIANCE" &&
      aws_s3_bucket_object_lock_configuration.this.rule[0].default_retention[0].days == 913 &&
      output.retention == { mode = "COMPLIANCE", days = 913 }
    )
    error_message = "By default nobody may delete or change an object for 913 days."
  }

  assert {
    condition = (
      [for move in aws_s3_bucket_lifecycle_configuration.this.rule[0].transition : "${move.storage_class} ${move.days}"] == ["GLACIER_IR 90"] &&
      length(aws_s3_bucket_lifecycle_configuration.this.rule) == 1 &&
      length(aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration) == 0 &&
      length(aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration) == 0
    )
    error_message = "By default objects move after 90 days, stay readable at once, and are never deleted."
  }

  assert {
    condition = (
      one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default) ==
      { kms_master_key_id = output.kms_key_arn, sse_algorithm = "aws:kms" } &&
      aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30 &&
      one(aws_dynamodb_table.head.server_side_encryption).kms_key_arn == output.kms_key_arn
    )
    error_message = "Bucket and table need the archive's own key, which rotates."
  }

  assert {
    condition = one(jsondecode(aws_kms_key.this.policy).Statement) == {
      Sid       = "DelegateToIam"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws-us-gov:iam::123456789012:root" }
      Action    = "kms:*"
      Resource  = "*"
      Condition = { StringEquals = { "kms:CallerAccount" = "123456789012" } }
    }
    error_message = "This account's IAM decides who uses the key, and nobody else."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this.policy).Statement == [
      {
        Sid       = "DenyWithoutTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = ["${output.bucket_arn}/*", output.bucket_arn]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "DenyWritingOver"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${output.bucket_arn}/*"
        Condition = { Null = { "s3:if-none-match" = "true" } }
      },
      {
        Sid       = "DenyHiding"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:DeleteObject"
        Resource  = "${output.bucket_arn}/*"
      },
      {
        Sid       = "DenyOtherWriters"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:PutObject"
        Resource  = "${output.bucket_arn}/*"
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws-us-gov:iam::123456789012:role/cross-partition-test-router-us-gov-west-1" } }
      },
    ]
    error_message = "The bucket must refuse plain HTTP, what could replace or hide an object, and every writer but the router."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
      one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced",
    ])
    error_message = "Nothing of the archive may become public."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0
    error_message = "By default there is no access log."
  }

  assert {
    condition = (
      aws_dynamodb_table.head.name == "cross-partition-test-audit-archive" && aws_dynamodb_table.head.hash_key == "chain" &&
      aws_dynamodb_table.head.deletion_protection_enabled && one(aws_dynamodb_table.head.point_in_time_recovery).enabled &&
      output.table_name == aws_dynamodb_table.head.name && endswith(output.table_arn, ":table/cross-partition-test-audit-archive")
    )
    error_message = "The end of the chain must be kept under the key the writer asks for."
  }
}

run "the_other_region_with_everything_set" {
  command = plan

  providers = { aws = aws.east }

  variables {
    retention               = { mode = "GOVERNANCE", days = 365 }
    cold_storage_after_days = 0
    expire_after_days       = 400
    access_log_bucket       = "cross-partition-access-logs-123456789012-us-gov-east-1"
    deletion_protection     = false
  }

  assert {
    condition     = output.bucket_name == "cross-partition-test-audit-123456789012-us-gov-east-1" && aws_s3_bucket.this.force_destroy
    error_message = "The bucket must follow the provider's region, and may be emptied where deletion_protection is off."
  }

  assert {
    condition     = output.retention == { mode = "GOVERNANCE", days = 365 } && !aws_dynamodb_table.head.deletion_protection_enabled
    error_message = "The retention must be settable."
  }

  assert {
    condition = (
      length(aws_s3_bucket_lifecycle_configuration.this.rule[0].transition) == 0 &&
      one(aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration).days == 400 &&
      one(aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration).noncurrent_days == 1 &&
      one(aws_s3_bucket_lifecycle_configuration.this.rule[1].expiration).expired_object_delete_marker && output.expire_after_days == 400
    )
    error_message = "What expires must go for good, its delete marker as well, and where nothing moves there must be no transition."
  }

  assert {
    condition = (
      aws_s3_bucket_logging.this[0].target_bucket == var.access_log_bucket &&
      aws_s3_bucket_logging.this[0].target_prefix == "cross-partition-test-audit-123456789012-us-gov-east-1/"
    )
    error_message = "The access log must tell the buckets apart."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    name                    = "ends-in-hyphen-"
    retention               = { mode = "FOREVER" }
    cold_storage_after_days = 1.5
    access_log_bucket       = "Upper Case"
    writer_role_arns        = ["arn:aws-us-gov:iam::123456789012:role/*"]
  }

  expect_failures = [var.name, var.retention, var.cold_storage_after_days, var.access_log_bucket, var.writer_role_arns]
}

# One run for each further validation of the same variable, and for one that looks at another variable, which must be right
# then: expect_failures does not tell them apart.

run "a_retention_of_no_day_and_an_archive_without_a_writer_are_refused" {
  command = plan

  variables {
    retention        = { days = 0 }
    writer_role_arns = []
  }

  expect_failures = [var.retention, var.writer_role_arns]
}

run "deleting_what_is_locked_is_refused" {
  command = plan

  variables {
    expire_after_days = 912
  }

  expect_failures = [var.expire_after_days]
}

run "deleting_before_moving_is_refused" {
  command = plan

  variables {
    retention               = { days = 90 }
    cold_storage_after_days = 100
    expire_after_days       = 100
  }

  expect_failures = [var.expire_after_days]
}
