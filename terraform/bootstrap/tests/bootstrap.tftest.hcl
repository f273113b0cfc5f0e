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

run "the_state_is_encrypted_and_private" {
  command = plan

  assert {
    condition     = aws_s3_bucket.state.bucket == "cross-partition-tfstate-123456789012-us-gov-west-1"
    error_message = "The bucket's name must be unique by account and region, and predictable."
  }

  assert {
    condition = one(jsondecode(aws_s3_bucket_policy.state.policy).Statement) == {
      Sid       = "DenyWithoutTls"
      Effect    = "Deny"
      Action    = "s3:*"
      Principal = "*"
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
      Resource = [
        "arn:aws-us-gov:s3:::cross-partition-tfstate-123456789012-us-gov-west-1/*",
        "arn:aws-us-gov:s3:::cross-partition-tfstate-123456789012-us-gov-west-1",
      ]
    }
    error_message = "The bucket must refuse plain HTTP, for itself and its objects."
  }

  assert {
    condition     = one(jsondecode(aws_kms_key.state.policy).Statement).Principal == { AWS = "arn:aws-us-gov:iam::123456789012:root" }
    error_message = "The key must delegate to IAM of this account in this partition."
  }

  assert {
    condition = (
      one(aws_s3_bucket_versioning.state.versioning_configuration).status == "Enabled" &&
      one(aws_s3_bucket_versioning.access_logs.versioning_configuration).status == "Enabled" &&
      aws_s3_bucket_public_access_block.state.restrict_public_buckets &&
      aws_s3_bucket_public_access_block.access_logs.restrict_public_buckets &&
      one(aws_s3_bucket_ownership_controls.state.rule).object_ownership == "BucketOwnerEnforced" &&
      one(aws_s3_bucket_ownership_controls.access_logs.rule).object_ownership == "BucketOwnerEnforced" &&
      aws_s3_bucket_logging.state.target_prefix == "state/" &&
      aws_kms_key.state.enable_key_rotation
    )
    error_message = "Both buckets must keep versions and be private; the state's key must rotate."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.access_logs.policy).Statement[1] == {
      Sid       = "TakeAccessLogs"
      Effect    = "Allow"
      Action    = "s3:PutObject"
      Principal = { Service = "logging.s3.amazonaws.com" }
      Resource  = "arn:aws-us-gov:s3:::cross-partition-access-logs-123456789012-us-gov-west-1/*"
      Condition = {
        ArnLike      = { "aws:SourceArn" = "arn:aws-us-gov:s3:::cross-partition-*" }
        StringEquals = { "aws:SourceAccount" = "123456789012" }
      }
    }
    error_message = "Only S3 may deliver logs, and only those of this project's buckets in this account."
  }

  assert {
    condition     = aws_iam_role_policy_attachment.api_gateway_logs[0].policy_arn == "arn:aws-us-gov:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    error_message = "The managed policy must be the one of this partition."
  }
}

run "an_account_may_have_its_own_logging_role" {
  command = plan

  variables {
    api_gateway_logging_enabled = false
  }

  assert {
    condition     = length(aws_api_gateway_account.this) == 0 && length(aws_iam_role.api_gateway_logs) == 0 && output.api_gateway_logs_role_arn == null
    error_message = "Nothing of the account's API Gateway setting may be touched."
  }
}

run "the_other_region" {
  command = plan

  providers = { aws = aws.east }

  variables {
    region = "us-gov-east-1"
  }

  assert {
    condition = (
      output.state_bucket == "cross-partition-tfstate-123456789012-us-gov-east-1" &&
      strcontains(output.backend_config, "us-gov-east-1") &&
      aws_iam_role.api_gateway_logs[0].name == "cross-partition-apigateway-logs-us-gov-east-1"
    )
    error_message = "Names must carry the region, so that both regions of an account can be used."
  }
}

run "a_commercial_account_has_no_api" {
  command = plan

  variables {
    region                      = "us-east-1"
    api_gateway_logging_enabled = false
  }

  assert {
    condition     = output.state_bucket == "cross-partition-tfstate-123456789012-us-east-1" && length(aws_iam_role.api_gateway_logs) == 0
    error_message = "The state of the root commercial needs its buckets and key, and nothing of API Gateway."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    region      = "eu-west-1"
    name_prefix = "Too-Long-A-Prefix"
    tags        = { ManagedBy = "hand" }

    permissions_boundary_arn = "boundary"
  }

  expect_failures = [var.region, var.name_prefix, var.tags, var.permissions_boundary_arn]
}

run "tags_that_differ_in_case_only_are_refused" {
  command = plan

  variables {
    tags = { Owner = "a", owner = "b" }
  }

  expect_failures = [var.tags]
}
