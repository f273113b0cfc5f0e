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
  target = module.commercial_credential.data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = module.permissions.data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

# What AWS would answer, so that policies are whole at plan time.
override_resource {
  target          = aws_kms_key.this
  override_during = plan
  values          = { arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
}

override_resource {
  target          = module.audit_table.aws_dynamodb_table.this
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-requests" }
}

override_resource {
  target          = module.commercial_credential.aws_secretsmanager_secret.this
  override_during = plan
  values          = { arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:cross-partition-test-commercial-creds-AbCdEf" }
}

override_resource {
  target          = module.permissions.aws_iam_role.execution
  override_during = plan
  values          = { arn = "arn:aws-us-gov:iam::123456789012:role/cross-partition-test-router-us-gov-west-1" }
}

override_resource {
  target          = module.api.aws_api_gateway_rest_api.this
  override_during = plan
  values = {
    id            = "abc123"
    execution_arn = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123"
  }
}

variables {
  environment = "test"
}

run "the_application_gets_everything_it_needs" {
  command = plan

  assert {
    condition = jsonencode(output.application_inputs) == jsonencode({
      name                        = "cross-partition-test"
      region                      = "us-gov-west-1"
      function_name               = "cross-partition-test-router"
      alias_name                  = "live"
      execution_role_arn          = "arn:aws-us-gov:iam::123456789012:role/cross-partition-test-router-us-gov-west-1"
      audit_table_name            = "cross-partition-test-requests"
      credential_secret_arn       = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:cross-partition-test-commercial-creds-AbCdEf"
      artifact_bucket             = "cross-partition-test-artifacts-123456789012-us-gov-west-1"
      api_execution_arn           = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123"
      kms_key_arn                 = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      integration_timeout_seconds = 29
      audit_retention_days        = 30
      log_retention_days          = 365
      vpc_config                  = null
      tags                        = { Environment = "test", ManagedBy = "terraform", Project = "cross-partition" }
    })
    error_message = "The object the application root takes changed."
  }

  assert {
    condition     = output.function_alias_arn == "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:live"
    error_message = "The API must point to the alias before the function exists."
  }

  assert {
    condition     = one(jsondecode(output.caller_policy_json).Statement).Resource == "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123/v1/*"
    error_message = "Callers may invoke this API's stage."
  }

  # The key: IAM of this account, and CloudWatch Logs for two log groups.
  assert {
    condition = [for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Principal] == [
      { AWS = "arn:aws-us-gov:iam::123456789012:root" },
      { Service = "logs.us-gov-west-1.amazonaws.com" },
    ]
    error_message = "The key must trust this account's IAM and CloudWatch Logs of the region only."
  }

  assert {
    condition = jsondecode(aws_kms_key.this.policy).Statement[1].Condition == {
      ArnEquals = {
        "kms:EncryptionContext:aws:logs:arn" = [
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/apigateway/cross-partition-test",
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/lambda/cross-partition-test-router",
        ]
      }
    }
    error_message = "CloudWatch Logs may use the key for this environment's log groups only."
  }

  assert {
    condition     = one(jsondecode(aws_s3_bucket_policy.artifacts.policy).Statement).Effect == "Deny" && one(jsondecode(aws_s3_bucket_policy.artifacts.policy).Statement).Condition == { Bool = { "aws:SecureTransport" = "false" } }
    error_message = "The artifact bucket must refuse plain HTTP."
  }

  assert {
    condition     = !aws_s3_bucket.artifacts.force_destroy
    error_message = "By default, releases must survive a destroy."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    environment                 = "Production"
    region                      = "us-east-1"
    name_prefix                 = "ends-in-hyphen-"
    tags                        = { Project = "mine" }
    audit_retention_days        = 0
    log_retention_days          = 31
    integration_timeout_seconds = 301
    throttling                  = { rate_per_second = 0 }
    secret_recovery_window_days = 5
  }

  expect_failures = [
    var.environment, var.region, var.name_prefix, var.tags, var.audit_retention_days, var.log_retention_days,
    var.integration_timeout_seconds, var.throttling, var.secret_recovery_window_days,
  ]
}
