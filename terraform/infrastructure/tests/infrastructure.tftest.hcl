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

override_data {
  target = module.commercial_credential.data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = module.permissions.data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = module.observability.data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = module.api.data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = module.egress.data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = module.egress.data.aws_availability_zones.chosen
  values = { names = ["us-gov-east-1a", "us-gov-east-1b", "us-gov-east-1c"], zone_ids = ["usge1-az1", "usge1-az2", "usge1-az3"] }
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
      watch_interval_minutes      = 5
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

  # The key: IAM of this account, CloudWatch Logs for this environment's log groups, CloudWatch for its alarms.
  assert {
    condition = [for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Principal] == [
      { AWS = "arn:aws-us-gov:iam::123456789012:root" },
      { Service = "logs.us-gov-west-1.amazonaws.com" },
      { Service = "cloudwatch.amazonaws.com" },
    ]
    error_message = "The key must trust this account's IAM, and CloudWatch and its Logs of the region, and nobody else."
  }

  assert {
    condition = jsondecode(aws_kms_key.this.policy).Statement[1].Condition == {
      ArnLike = {
        "kms:EncryptionContext:aws:logs:arn" = [
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/apigateway/cross-partition-test",
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:/aws/lambda/cross-partition-test-router",
          "arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:API-Gateway-Execution-Logs_*",
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

run "everything_switched_on_in_the_other_region" {
  command = plan

  providers = { aws = aws.east }

  variables {
    region          = "us-gov-east-1"
    egress          = { new_vpc = { availability_zones = ["us-gov-east-1a", "us-gov-east-1b"], firewall = {} } }
    api             = { access = { source_cidrs = ["198.51.100.0/24"] }, waf = {} }
    throttling      = { routes = { "POST /bedrock/invoke-model" = { rate_per_second = 5, burst = 10 } } }
    caller_policies = { models = { nova-lite = ["amazon.nova-lite-v1:0"] }, create = true }
    alarms          = { notification_emails = ["operators@agency.example"], thresholds = { error_rate_percent = 2 } }

    permissions_boundary_arn = "arn:aws-us-gov:iam::123456789012:policy/boundary"
  }

  assert {
    condition = length(setsubtract(
      ["aws-waf-logs-cross-partition-test", "/aws/apigateway/cross-partition-test", "/aws/lambda/cross-partition-test-router"], local.log_groups
    )) == 0 && length(local.log_groups) == 6
    error_message = "The key must serve every log group: API, function, web ACL, flow log and both logs of the firewall."
  }

  assert {
    condition = alltrue([
      for group in local.log_groups :
      contains(
        jsondecode(aws_kms_key.this.policy).Statement[1].Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"],
        "arn:aws-us-gov:logs:us-gov-east-1:123456789012:log-group:${group}",
      )
    ])
    error_message = "The key's policy must name every log group."
  }

  assert {
    condition     = local.new_vpc.firewall.deletion_protection
    error_message = "One switch protects all: the firewall follows deletion_protection."
  }

  assert {
    condition     = keys(output.caller_policies_json) == ["invoke-all", "invoke-models-nova-lite", "operate", "read-dashboard"]
    error_message = "There must be a policy for each kind of caller."
  }

  assert {
    condition     = output.function_alias_arn == "arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function:cross-partition-test-router:live"
    error_message = "The region must be in every ARN."
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
    secret_recovery_window_days = 5
  }

  expect_failures = [
    var.environment, var.region, var.name_prefix, var.tags, var.audit_retention_days, var.log_retention_days,
    var.integration_timeout_seconds, var.secret_recovery_window_days,
  ]
}

run "tags_that_differ_in_case_only_are_refused" {
  command = plan

  variables {
    tags = { Owner = "a", owner = "b" }
  }

  expect_failures = [var.tags]
}
