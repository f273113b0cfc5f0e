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

variables {
  name        = "cross-partition-test-commercial-creds"
  description = "A credential"
  kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "the_secret_is_encrypted_and_stays_in_the_account" {
  command = plan

  assert {
    condition     = length(aws_kms_key.this) == 0 && aws_secretsmanager_secret.this.kms_key_id == var.kms_key_arn && aws_secretsmanager_secret.this.recovery_window_in_days == 30
    error_message = "The secret needs the customer managed key and a recovery window."
  }

  assert {
    condition = one(jsondecode(aws_secretsmanager_secret_policy.this.policy).Statement) == {
      Sid       = "DenyOtherAccounts"
      Effect    = "Deny"
      Action    = "secretsmanager:*"
      Resource  = "*"
      Principal = "*"
      Condition = { StringNotEquals = { "aws:PrincipalAccount" = "123456789012" } }
    }
    error_message = "The resource policy must deny other accounts, and only them."
  }
}

run "a_key_of_its_own_in_the_other_region" {
  command = plan

  providers = { aws = aws.east }

  variables {
    kms_key_arn    = null
    create_kms_key = true
  }

  assert {
    condition = (
      jsondecode(aws_kms_key.this[0].policy).Statement[0].Principal == { AWS = "arn:aws-us-gov:iam::123456789012:root" } &&
      jsondecode(aws_kms_key.this[0].policy).Statement[1].Condition == { StringNotEquals = { "kms:ViaService" = "secretsmanager.us-gov-east-1.amazonaws.com" } } &&
      aws_kms_key.this[0].enable_key_rotation
    )
    error_message = "The key must serve this account, through Secrets Manager of the region, and rotate."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    name                 = "has space"
    description          = ""
    kms_key_arn          = "alias/key"
    recovery_window_days = 5
  }

  expect_failures = [var.name, var.description, var.kms_key_arn, var.recovery_window_days]
}

run "a_name_like_a_secret_arn_is_refused" {
  command = plan

  variables {
    name = "cross-partition-secret"
  }

  expect_failures = [var.name]
}

run "a_secret_without_a_key_is_refused" {
  command = plan

  variables {
    kms_key_arn = null
  }

  expect_failures = [var.kms_key_arn]
}
