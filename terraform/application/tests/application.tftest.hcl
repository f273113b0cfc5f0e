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
  artifact_key = "router/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.zip"
  infrastructure = {
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
    credential = {
      mode       = "api_key"
      secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:cross-partition-test-commercial-creds-AbCdEf"
    }
    artifact_bucket             = "cross-partition-test-artifacts-123456789012-us-gov-west-1"
    api_execution_arn           = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123"
    kms_key_arn                 = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    integration_timeout_seconds = 29
    audit_retention_days        = 30
    log_retention_days          = 365
    watch_interval_minutes      = 5
    vpc_config                  = null
    tags                        = {}
  }
}

run "the_router_is_configured" {
  command = plan

  override_resource {
    target          = module.router.aws_lambda_alias.tasks
    override_during = plan
    values          = { arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:tasks" }
  }

  assert {
    condition     = output.task_alias_arn == "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:tasks"
    error_message = "Tasks must have the alias that the router is told of."
  }

  assert {
    condition = local.environment == {
      AUDIT_RETENTION_DAYS         = "30"
      AUDIT_TABLE_NAME             = "cross-partition-test-requests"
      AWS_USE_FIPS_ENDPOINT        = "true"
      COMMERCIAL_REGION            = "us-east-1"
      CREDENTIAL_MAX_AGE_SECONDS   = "300"
      CREDENTIAL_MODE              = "api_key"
      CREDENTIAL_SECRET_ID         = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:cross-partition-test-commercial-creds-AbCdEf"
      DISCOVERY_MAX_AGE_SECONDS    = "300"
      LIMITS_TABLE_NAME            = "cross-partition-test-limits"
      MAX_REQUEST_BYTES            = "4500000"
      POLICY_TABLE_NAME            = "cross-partition-test-policy"
      POWERTOOLS_LOG_LEVEL         = "INFO"
      POWERTOOLS_METRICS_NAMESPACE = "CrossPartitionInference"
      POWERTOOLS_SERVICE_NAME      = "cross-partition-test-router"
      RELEASE                      = "0123456789ab"
      RESPONSE_TIMEOUT_SECONDS     = "29"
      STREAM_ALIAS_NAME            = "stream"
      TASK_ALIAS_NAME              = "tasks"
      USAGE_TABLE_NAME             = "cross-partition-test-usage"
    }
    error_message = "The function's environment changed."
  }

  assert {
    condition = (
      aws_dynamodb_table_item.policy.table_name == "cross-partition-test-policy" && aws_dynamodb_table_item.policy.hash_key == "name" &&
      jsondecode(aws_dynamodb_table_item.policy.item).name.S == "boundary" &&
      sha256(jsondecode(aws_dynamodb_table_item.policy.item).document.S) == output.policy_version
    )
    error_message = "The policy must be in the table the router reads, under the name it asks for, and have the version that records name."
  }

  # Every other rule of the starting policy is proven by calls: tests/contract and tests/integration.
  assert {
    condition = jsondecode(jsondecode(aws_dynamodb_table_item.policy.item).document.S).callers == [
      { name = "everyone-with-access", principals = ["*"], classification = "public" },
    ]
    error_message = "The starting policy must work for clients that know nothing of it."
  }

  assert {
    condition     = module.router.function_name == "cross-partition-test-router" && output.artifact_key == var.artifact_key && output.credential_mode == "api_key"
    error_message = "The release must be the artifact that was asked for, and say how it proves itself."
  }
}

run "changes_of_records_go_into_the_archive" {
  command = plan

  override_resource {
    target          = module.router.aws_lambda_alias.stream
    override_during = plan
    values          = { arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:stream" }
  }

  variables {
    infrastructure = merge(var.infrastructure, {
      audit_archive = {
        bucket                  = "cross-partition-test-audit-123456789012-us-gov-west-1"
        table_name              = "cross-partition-test-audit-archive"
        stream_arn              = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/cross-partition-test-requests/stream/2026-11-22T00:00:00.000"
        batching_window_seconds = 30
      }
    })
  }

  assert {
    condition = { for name, value in local.environment : name => value if startswith(name, "AUDIT_ARCHIVE_") } == {
      AUDIT_ARCHIVE_BUCKET     = "cross-partition-test-audit-123456789012-us-gov-west-1"
      AUDIT_ARCHIVE_TABLE_NAME = "cross-partition-test-audit-archive"
    }
    error_message = "The router must know where the archive is."
  }

  assert {
    condition     = output.stream_alias_arn == "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:stream"
    error_message = "The stream must have the alias that the router is told of."
  }

  assert {
    condition     = module.router.stream == { arn = var.infrastructure.audit_archive.stream_arn, batching_window_seconds = 30 }
    error_message = "The function must get the changes of the audit table, gathered for as long as the infrastructure says."
  }
}

run "federation_takes_the_secrets_place" {
  command = plan

  variables {
    infrastructure = merge(var.infrastructure, {
      credential = {
        mode       = "federation"
        secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:still-there-during-a-switch-AbCdEf"
        federation = { role_arn = "arn:aws:iam::210987654321:role/router", audience = "cross-partition-inference" }
      }
    })
  }

  assert {
    condition = { for name, value in local.environment : name => value if startswith(name, "CREDENTIAL_") } == {
      CREDENTIAL_AUDIENCE        = "cross-partition-inference"
      CREDENTIAL_MAX_AGE_SECONDS = "300"
      CREDENTIAL_MODE            = "federation"
      CREDENTIAL_ROLE_ARN        = "arn:aws:iam::210987654321:role/router"
    }
    error_message = "The router must know the role and the audience, and no secret."
  }

  assert {
    condition     = output.credential_mode == "federation"
    error_message = "The deployment scripts learn from this output what the release in service uses."
  }
}

run "a_role_that_is_only_prepared_is_not_set" {
  command = plan

  variables {
    infrastructure = merge(var.infrastructure, {
      credential = {
        mode       = "aws_keys"
        secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:cross-partition-test-commercial-creds-AbCdEf"
        federation = { role_arn = "arn:aws:iam::210987654321:role/router", audience = "cross-partition-inference" }
      }
    })
  }

  assert {
    condition = { for name, value in local.environment : name => value if startswith(name, "CREDENTIAL_") } == {
      CREDENTIAL_MAX_AGE_SECONDS = "300"
      CREDENTIAL_MODE            = "aws_keys"
      CREDENTIAL_SECRET_ID       = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:cross-partition-test-commercial-creds-AbCdEf"
    }
    error_message = "The router must know the secret and nothing of federation."
  }
}

run "stand_ins_for_commercial_and_a_vpc_can_be_given" {
  command = plan

  variables {
    use_fips_endpoint = false
    infrastructure    = merge(var.infrastructure, { vpc_config = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] } })
    router = {
      bedrock_endpoint_url         = "http://127.0.0.1:4000"
      bedrock_runtime_endpoint_url = "https://vpce.example.com"
      sts_endpoint_url             = "http://[::1]:4001"
    }
  }

  assert {
    condition = [
      for name in ["AWS_ENDPOINT_URL_BEDROCK", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "COMMERCIAL_STS_ENDPOINT_URL", "AWS_USE_FIPS_ENDPOINT"] :
      local.environment[name]
    ] == ["http://127.0.0.1:4000", "https://vpce.example.com", "http://[::1]:4001", "false"]
    error_message = "The endpoints must reach the function."
  }
}

run "another_policy_changes_the_item_and_not_the_function" {
  command = plan

  variables {
    policy_file = "policies/examples/time-limited-pilot.yaml"
  }

  assert {
    condition     = one(jsondecode(jsondecode(aws_dynamodb_table_item.policy.item).document.S).callers).expires_at == "2027-07-01T00:00:00Z"
    error_message = "The policy must be that of the file."
  }

  assert {
    condition     = output.policy_version != run.the_router_is_configured.policy_version && !strcontains(jsonencode(local.environment), output.policy_version)
    error_message = "Nothing of the policy may be in the function: a change would make a new version of it."
  }
}

run "calls_of_a_model_go_through_an_application_profile" {
  command = plan

  variables {
    router = {
      application_profiles = {
        "amazon.nova-lite-v1:0"                     = { arn = "arn:aws:bedrock:us-east-1:210987654321:application-inference-profile/abc123def456" }
        "anthropic.claude-haiku-4-5-20251001-v1:0"  = { name = "cross-partition-dev haiku", tags = { CostCenter = "1234" } }
        "anthropic.claude-sonnet-4-5-20250929-v1:0" = { name = "cross-partition-dev sonnet" }
      }
    }
  }

  assert {
    condition = local.environment.APPLICATION_PROFILES == jsonencode({
      "amazon.nova-lite-v1:0"                     = { arn = "arn:aws:bedrock:us-east-1:210987654321:application-inference-profile/abc123def456" }
      "anthropic.claude-haiku-4-5-20251001-v1:0"  = { name = "cross-partition-dev haiku", tags = { CostCenter = "1234" } }
      "anthropic.claude-sonnet-4-5-20250929-v1:0" = { name = "cross-partition-dev sonnet" }
    })
    error_message = "The router must know the profiles, and nothing of what was not given."
  }
}

run "the_other_region_and_a_gradual_release" {
  command = plan

  providers = { aws = aws.east }

  variables {
    infrastructure = merge(var.infrastructure, {
      region            = "us-gov-east-1"
      kms_key_arn       = "arn:aws-us-gov:kms:us-gov-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
      api_execution_arn = "arn:aws-us-gov:execute-api:us-gov-east-1:123456789012:abc123"
    })
    gradual_release = { from_version = "7", new_version_percent = 10 }
    router          = { commercial_region = "ca-central-1", reserved_concurrency = 100 }
  }

  assert {
    condition     = output.function_version == "7" && output.gradual_release.new_version_percent == 10 && local.environment.COMMERCIAL_REGION == "ca-central-1"
    error_message = "The alias must stay where it was in a gradual release."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    artifact_key   = "router/latest.zip"
    tags           = { Environment = "mine" }
    infrastructure = merge(var.infrastructure, { region = "us-east-1" })
    router         = { commercial_region = "eu-west-1" }
  }

  expect_failures = [var.artifact_key, var.tags, var.infrastructure, var.router]
}

# One run for each further validation of the same variable: expect_failures does not tell them apart.

run "two_environments_may_not_be_mixed" {
  command = plan

  variables {
    infrastructure = merge(var.infrastructure, { name = "cross-partition-prod" })
  }

  expect_failures = [var.infrastructure]
}

run "an_unknown_credential_mode_is_refused" {
  command = plan

  variables {
    infrastructure = merge(var.infrastructure, { credential = { mode = "password", secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:s" } })
  }

  expect_failures = [var.infrastructure]
}

run "a_credential_that_lacks_what_its_mode_needs_is_refused" {
  command = plan

  variables {
    infrastructure = merge(var.infrastructure, { credential = { mode = "federation", secret_arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:s" } })
  }

  expect_failures = [var.infrastructure]
}

run "a_policy_that_is_not_there_is_refused" {
  command = plan

  variables {
    policy_file = "policies"
  }

  expect_failures = [var.policy_file]
}

run "a_policy_that_is_neither_yaml_nor_json_is_refused" {
  command = plan

  variables {
    policy_file = "tests/application.tftest.hcl"
  }

  expect_failures = [var.policy_file]
}

# What may be wrong with one: modules/policy.
run "yaml_that_is_no_policy_is_refused" {
  command = plan

  variables {
    policy_file = "../modules/api_gateway/openapi.yaml"
  }

  expect_failures = [aws_dynamodb_table_item.policy]
}

run "a_guardrail_that_the_router_may_use_can_be_named" {
  command = plan

  variables {
    policy_file    = "policies/examples/guardrails-both-sides.yaml"
    infrastructure = merge(var.infrastructure, { guardrail_arn = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/abc123def456" })
  }

  assert {
    condition     = jsondecode(jsondecode(aws_dynamodb_table_item.policy.item).document.S).guardrails.before_egress.identifier == "abc123def456"
    error_message = "A policy may name the guardrail by its id."
  }
}

run "a_guardrail_can_be_named_by_its_arn" {
  command = plan

  variables {
    policy_file    = "tests/policies/guardrail-by-arn.yaml"
    infrastructure = merge(var.infrastructure, { guardrail_arn = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/abc123def456" })
  }

  assert {
    condition     = jsondecode(jsondecode(aws_dynamodb_table_item.policy.item).document.S).guardrails.before_egress.identifier == var.infrastructure.guardrail_arn
    error_message = "A policy may name the guardrail by its ARN."
  }
}

run "a_guardrail_where_the_router_may_use_none_is_refused" {
  command = plan

  variables {
    policy_file = "policies/examples/guardrails-both-sides.yaml"
  }

  expect_failures = [aws_dynamodb_table_item.policy]
}

run "another_guardrail_than_the_router_may_use_is_refused" {
  command = plan

  variables {
    policy_file    = "policies/examples/guardrails-both-sides.yaml"
    infrastructure = merge(var.infrastructure, { guardrail_arn = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/def456abc123" })
  }

  expect_failures = [aws_dynamodb_table_item.policy]
}

run "a_setting_that_went_into_the_policy_is_refused" {
  command = plan

  variables {
    router = { allow_global_profiles = true }
  }

  expect_failures = [var.router]
}

run "a_request_larger_than_lambda_takes_is_refused" {
  command = plan

  variables {
    router = { max_request_bytes = 4500001 }
  }

  expect_failures = [var.router]
}

run "a_credential_kept_for_a_day_is_refused" {
  command = plan

  variables {
    router = { credential_max_age_seconds = 86400 }
  }

  expect_failures = [var.router]
}

run "a_model_list_never_kept_is_refused" {
  command = plan

  variables {
    router = { discovery_max_age_seconds = 0 }
  }

  expect_failures = [var.router]
}

run "an_application_profile_is_for_a_foundation_model" {
  command = plan

  variables {
    router = { application_profiles = { "us.amazon.nova-lite-v1:0" = { name = "nova" } } }
  }

  expect_failures = [var.router]
}

run "an_application_profile_has_an_arn_or_a_name" {
  command = plan

  variables {
    router = {
      application_profiles = {
        "amazon.nova-lite-v1:0" = { name = "nova", arn = "arn:aws:bedrock:us-east-1:210987654321:application-inference-profile/abc123def456" }
      }
    }
  }

  expect_failures = [var.router]
}

run "tags_of_an_application_profile_that_exists_are_refused" {
  command = plan

  variables {
    router = {
      application_profiles = {
        "amazon.nova-lite-v1:0" = { arn = "arn:aws:bedrock:us-east-1:210987654321:application-inference-profile/abc123def456", tags = { A = "b" } }
      }
    }
  }

  expect_failures = [var.router]
}

run "the_arn_of_another_profile_is_refused" {
  command = plan

  variables {
    router = { application_profiles = { "amazon.nova-lite-v1:0" = { arn = "arn:aws:bedrock:us-east-1:210987654321:inference-profile/us.amazon.nova-lite-v1:0" } } }
  }

  expect_failures = [var.router]
}

run "a_name_that_bedrock_refuses_is_refused" {
  command = plan

  variables {
    router = { application_profiles = { "amazon.nova-lite-v1:0" = { name = "nova--lite" } } }
  }

  expect_failures = [var.router]
}

run "one_name_for_two_models_is_refused" {
  command = plan

  variables {
    router = { application_profiles = { "amazon.nova-lite-v1:0" = { name = "nova" }, "amazon.nova-pro-v1:0" = { name = "nova" } } }
  }

  expect_failures = [var.router]
}

run "a_tag_that_aws_keeps_for_itself_is_refused" {
  command = plan

  variables {
    router = { application_profiles = { "amazon.nova-lite-v1:0" = { name = "nova", tags = { "aws:team" = "triage" } } } }
  }

  expect_failures = [var.router]
}

run "more_application_profiles_than_lambda_has_room_for_are_refused" {
  command = plan

  variables {
    router = { application_profiles = { for number in range(30) : "amazon.a-model-with-a-long-name-v${number}:0" => { name = "profile ${number}" } } }
  }

  expect_failures = [var.router]
}

run "a_gradual_release_with_provisioned_concurrency_is_refused" {
  command = plan

  variables {
    gradual_release = { from_version = "7", new_version_percent = 10 }
    router          = { provisioned_concurrency = 2 }
  }

  expect_failures = [var.gradual_release]
}

run "an_unknown_log_level_is_refused" {
  command = plan

  variables {
    router = { log_level = "TRACE" }
  }

  expect_failures = [var.router]
}

run "plain_http_beyond_loopback_is_refused" {
  command = plan

  variables {
    router = { bedrock_runtime_endpoint_url = "http://127.0.0.1.example.com" }
  }

  expect_failures = [var.router]
}

run "plain_http_to_sts_is_refused" {
  command = plan

  variables {
    router = { sts_endpoint_url = "http://sts.us-east-1.amazonaws.com" }
  }

  expect_failures = [var.router]
}

run "credentials_in_an_endpoint_is_refused" {
  command = plan

  variables {
    router = { bedrock_endpoint_url = "https://user:password@example.com" }
  }

  expect_failures = [var.router]
}

run "tags_that_differ_in_case_only_are_refused" {
  command = plan

  variables {
    tags = { Owner = "a", owner = "b" }
  }

  expect_failures = [var.tags]
}
