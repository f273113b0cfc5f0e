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
  target = module.audit_archive[0].data.aws_caller_identity.current
  values = { account_id = "123456789012" }
}

override_data {
  target = module.commercial_credential[0].data.aws_caller_identity.current
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
  values = {
    arn        = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-requests"
    stream_arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-requests/stream/2026-11-22T00:00:00.000"
  }
}

override_resource {
  target          = module.audit_table.aws_dynamodb_table.usage
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-usage" }
}

override_resource {
  target          = module.audit_archive[0].aws_dynamodb_table.head
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-audit-archive" }
}

override_resource {
  target          = module.audit_archive[0].aws_kms_key.this
  override_during = plan
  values          = { arn = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/66666666-7777-8888-9999-000000000000" }
}

override_resource {
  target          = module.policy_tables.aws_dynamodb_table.policy
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-policy" }
}

override_resource {
  target          = module.policy_tables.aws_dynamodb_table.limits
  override_during = plan
  values          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-limits" }
}

override_resource {
  target          = module.commercial_credential[0].aws_secretsmanager_secret.this
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
      name               = "cross-partition-test"
      region             = "us-gov-west-1"
      function_name      = "cross-partition-test-router"
      alias_name         = "live"
      task_alias_name    = "tasks"
      stream_alias_name  = "stream"
      execution_role_arn = "arn:aws-us-gov:iam::123456789012:role/cross-partition-test-router-us-gov-west-1"
      audit_table_name   = "cross-partition-test-requests"
      policy_table_name  = "cross-partition-test-policy"
      limits_table_name  = "cross-partition-test-limits"
      usage_table_name   = "cross-partition-test-usage"
      audit_archive      = null
      credential = {
        mode       = "api_key"
        secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:cross-partition-test-commercial-creds-AbCdEf"
        federation = null
      }
      guardrail_arn               = null
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
    condition = (
      one([for statement in jsondecode(output.caller_policies_json["operate"]).Statement : statement.Resource if statement.Action == "lambda:InvokeFunction"])
      == "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:tasks"
      && !strcontains(output.caller_policies_json["operate"], output.function_alias_arn)
    )
    error_message = "The operator proves a new credential by the alias for tasks, and cannot invoke the API's."
  }

  assert {
    condition     = !strcontains(jsonencode(output.caller_policies_json), ":function:cross-partition-test-router:stream")
    error_message = "No policy may name the stream's alias: whoever invokes it can invent records."
  }

  assert {
    condition = (
      output.execution_role_arn == "arn:aws-us-gov:iam::123456789012:role/cross-partition-test-router-us-gov-west-1" &&
      output.credential_secret_arn == output.application_inputs.credential.secret_arn
    )
    error_message = "Other roots and scripts find the role and the secret by outputs."
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
    condition = (
      length(module.audit_archive) == 0 && module.audit_table.stream_arn == null && !contains(keys(module.observability.alarm_names), "archive-lag") &&
      !strcontains(output.caller_policies_json["audit"], "s3:")
    )
    error_message = "Without an archive there is no bucket, no stream, no alarm and no permission for it."
  }

  assert {
    condition     = !aws_s3_bucket.artifacts.force_destroy
    error_message = "By default, releases must survive a destroy."
  }
}

run "federation_stores_nothing" {
  command = plan

  providers = { aws = aws.east }

  variables {
    region     = "us-gov-east-1"
    credential = { mode = "federation", federation = { role_arn = "arn:aws:iam::210987654321:role/teams/inference/router" } }
  }

  assert {
    condition = output.application_inputs.credential == {
      mode       = "federation"
      secret_arn = null
      federation = { role_arn = "arn:aws:iam::210987654321:role/teams/inference/router", audience = "cross-partition-inference" }
    }
    error_message = "The application must get the role and the audience, and no secret."
  }

  assert {
    condition     = length(module.commercial_credential) == 0 && output.credential_secret_arn == null
    error_message = "There must be no secret."
  }

  # What the statements say is proven in modules/iam.
  assert {
    condition     = !strcontains(output.caller_policies_json["operate"], "secretsmanager")
    error_message = "Nobody needs Secrets Manager."
  }
}

run "a_mode_that_is_not_chosen_grants_nothing" {
  command = plan

  variables {
    credential = {
      mode       = "aws_keys"
      federation = { role_arn = "arn:aws:iam::210987654321:role/router", audience = "https://inference.agency.example/dev" }
    }
  }

  assert {
    condition     = local.credential_modes == toset(["aws_keys"]) && !local.credential_federates && length(module.commercial_credential) == 1
    error_message = "Federation may be prepared before it is chosen."
  }

  assert {
    condition     = output.application_inputs.credential.federation.audience == "https://inference.agency.example/dev" && output.application_inputs.credential.mode == "aws_keys"
    error_message = "The application must learn what was chosen and what was prepared."
  }
}

run "during_a_switch_both_are_permitted" {
  command = plan

  variables {
    credential                = { mode = "federation", federation = { role_arn = "arn:aws:iam::210987654321:role/router" } }
    retained_credential_modes = ["api_key"]
  }

  assert {
    condition     = local.credential_is_stored && local.credential_federates && strcontains(output.caller_policies_json["operate"], "secretsmanager:PutSecretValue")
    error_message = "The release in service must keep what it uses."
  }

  assert {
    condition     = output.application_inputs.credential.mode == "federation" && output.credential_secret_arn == "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:cross-partition-test-commercial-creds-AbCdEf"
    error_message = "The next release must use the new mode, and the secret stays until then."
  }
}

run "an_archive" {
  command = plan

  variables {
    audit_archive = { retention = { days = 1827 }, batching_window_seconds = 30 }
  }

  assert {
    condition = jsonencode(output.application_inputs.audit_archive) == jsonencode({
      bucket                  = "cross-partition-test-audit-123456789012-us-gov-west-1"
      table_name              = "cross-partition-test-audit-archive"
      stream_arn              = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-requests/stream/2026-11-22T00:00:00.000"
      batching_window_seconds = 30
      retention               = { mode = "COMPLIANCE", days = 1827 }
      kms_key_arn             = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/66666666-7777-8888-9999-000000000000"
      expire_after_days       = null
    })
    error_message = "The application and the scripts must learn where the archive is, how and until when it is kept, and with which key."
  }

  assert {
    condition = (
      jsondecode(module.audit_archive[0].bucket_policy_json).Statement[3].Condition.ArnNotEquals["aws:PrincipalArn"] == output.execution_role_arn &&
      module.permissions.execution_role_name == "cross-partition-test-router-us-gov-west-1"
    )
    error_message = "The router's role, and no other, writes the archive."
  }

  assert {
    condition     = module.audit_archive[0].access_log_bucket == "cross-partition-access-logs-123456789012-us-gov-west-1"
    error_message = "Who used the archive must be logged."
  }

  assert {
    condition     = module.audit_table.deletion_protected && module.policy_tables.deletion_protected && module.audit_archive[0].deletion_protected
    error_message = "By default, tables and archive must survive a destroy."
  }

  # What the statements say is proven in modules/iam.
  assert {
    condition = (
      strcontains(output.caller_policies_json["audit"], "arn:aws-us-gov:s3:::cross-partition-test-audit-123456789012-us-gov-west-1/records/*") &&
      module.observability.alarm_names["archive-lag"] == "cross-partition-test-archive-lag"
    )
    error_message = "An auditor must be able to verify it, and somebody be told when it falls behind."
  }
}

run "everything_switched_on_in_the_other_region" {
  command = plan

  providers = { aws = aws.east }

  variables {
    region          = "us-gov-east-1"
    egress          = { new_vpc = { availability_zones = ["us-gov-east-1a", "us-gov-east-1b"], endpoints = ["bedrock-runtime", "s3"], firewall = {} } }
    audit_archive   = { retention = { mode = "GOVERNANCE" }, cold_storage_after_days = 0, expire_after_days = 1000 }
    guardrail_arn   = "arn:aws-us-gov:bedrock:us-gov-east-1:123456789012:guardrail/abc123"
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
    condition     = keys(output.caller_policies_json) == ["audit", "invoke-all", "invoke-models-nova-lite", "operate", "read-dashboard"]
    error_message = "There must be a policy for each kind of caller."
  }

  assert {
    condition = (
      output.application_inputs.audit_archive.bucket == "cross-partition-test-audit-123456789012-us-gov-east-1" &&
      output.application_inputs.audit_archive.retention == { mode = "GOVERNANCE", days = 913 } &&
      output.application_inputs.audit_archive.expire_after_days == 1000 &&
      output.application_inputs.audit_archive.batching_window_seconds == 60
    )
    error_message = "What is not set of the archive must have the module's defaults, and the rest reach it."
  }

  assert {
    condition     = output.application_inputs.guardrail_arn == var.guardrail_arn
    error_message = "The application must know which guardrail a policy may name."
  }

  assert {
    condition     = strcontains(module.permissions.execution_policy_json, var.guardrail_arn)
    error_message = "The router may use that guardrail."
  }

  assert {
    condition     = module.audit_archive[0].cold_storage_after_days == 0 && module.audit_archive[0].expire_after_days == 1000
    error_message = "The archive must keep its objects as it is told."
  }

  assert {
    condition     = output.function_alias_arn == "arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function:cross-partition-test-router:live"
    error_message = "The region must be in every ARN."
  }
}

run "one_switch_lets_everything_go" {
  command = plan

  variables {
    audit_archive       = { retention = { mode = "GOVERNANCE", days = 1 } }
    deletion_protection = false
  }

  assert {
    condition = (
      !module.audit_table.deletion_protected && !module.policy_tables.deletion_protected && !module.audit_archive[0].deletion_protected &&
      aws_s3_bucket.artifacts.force_destroy
    )
    error_message = "deletion_protection must reach every table and bucket."
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
    credential                  = { mode = "iam_role" }
    audit_archive               = { batching_window_seconds = 0.5 }
  }

  expect_failures = [
    var.environment, var.region, var.name_prefix, var.tags, var.audit_retention_days, var.log_retention_days,
    var.integration_timeout_seconds, var.secret_recovery_window_days, var.credential, var.audit_archive,
  ]
}

run "a_guardrail_that_the_firewall_is_in_the_way_of_is_refused" {
  command = plan

  providers = { aws = aws.east }

  variables {
    region        = "us-gov-east-1"
    egress        = { new_vpc = { availability_zones = ["us-gov-east-1a"], firewall = {} } }
    guardrail_arn = "arn:aws-us-gov:bedrock:us-gov-east-1:123456789012:guardrail/abc123"
  }

  expect_failures = [var.guardrail_arn]
}

run "a_guardrail_of_another_region_and_a_long_wait_for_the_archive_are_refused" {
  command = plan

  variables {
    guardrail_arn = "arn:aws-us-gov:bedrock:us-gov-east-1:123456789012:guardrail/abc123"
    audit_archive = { batching_window_seconds = 301 }
  }

  expect_failures = [var.guardrail_arn, var.audit_archive]
}

run "an_archive_that_the_firewall_is_in_the_way_of_is_refused" {
  command = plan

  providers = { aws = aws.east }

  variables {
    region        = "us-gov-east-1"
    egress        = { new_vpc = { availability_zones = ["us-gov-east-1a"], firewall = {} } }
    audit_archive = {}
  }

  expect_failures = [var.audit_archive]
}

run "federation_without_a_role_is_refused" {
  command = plan

  variables {
    credential = { mode = "federation" }
  }

  expect_failures = [var.credential]
}

run "a_role_of_this_partition_is_refused" {
  command = plan

  variables {
    credential = { federation = { role_arn = "arn:aws-us-gov:iam::210987654321:role/router" } }
  }

  expect_failures = [var.credential]
}

run "a_pattern_of_audiences_is_refused" {
  command = plan

  variables {
    credential = { federation = { role_arn = "arn:aws:iam::210987654321:role/router", audience = "*" } }
  }

  expect_failures = [var.credential]
}

run "an_unknown_retained_mode_is_refused" {
  command = plan

  variables {
    retained_credential_modes = ["api_key", "password"]
  }

  expect_failures = [var.retained_credential_modes]
}

run "federation_cannot_be_retained_without_its_role" {
  command = plan

  variables {
    retained_credential_modes = ["federation"]
  }

  expect_failures = [var.retained_credential_modes]
}

run "tags_that_differ_in_case_only_are_refused" {
  command = plan

  variables {
    tags = { Owner = "a", owner = "b" }
  }

  expect_failures = [var.tags]
}
