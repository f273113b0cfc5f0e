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

variables {
  name        = "cross-partition-test-commercial-creds"
  description = "A credential"
  kms_key_arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "the_secret_is_encrypted_and_stays_in_the_account" {
  command = plan

  assert {
    condition     = aws_secretsmanager_secret.this.kms_key_id == var.kms_key_arn && aws_secretsmanager_secret.this.recovery_window_in_days == 30
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
