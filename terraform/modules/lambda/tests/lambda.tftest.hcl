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
  function_name      = "cross-partition-test-router"
  execution_role_arn = "arn:aws-us-gov:iam::123456789012:role/router"
  artifact           = { bucket = "artifacts", key = "router/abc.zip" }
  environment        = { RELEASE = "abc" }
  kms_key_arn        = "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  api_execution_arn  = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abc123"
}

run "a_version_is_published_behind_the_alias" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.publish && aws_lambda_alias.this.name == "live"
    error_message = "Every change must be a version, and callers must know the alias only."
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "python3.13" && aws_lambda_function.this.architectures == tolist(["arm64"]) && aws_lambda_function.this.handler == "handler.lambda_handler"
    error_message = "The defaults must fit the artifact."
  }

  assert {
    condition     = aws_lambda_permission.api.qualifier == "live" && aws_lambda_permission.api.source_arn == "${var.api_execution_arn}/*"
    error_message = "Only this API may invoke, and only the alias."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/cross-partition-test-router" && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    error_message = "The log group must be the one Lambda writes to, and encrypted."
  }

  assert {
    condition     = length(aws_lambda_alias.tasks) == 0
    error_message = "By default there is one alias."
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.stream) == 0
    error_message = "By default the function reads no stream."
  }

  assert {
    condition     = length(aws_lambda_function.this.vpc_config) == 0 && aws_lambda_function.this.reserved_concurrent_executions == -1
    error_message = "By default the function is outside a VPC and reserves nothing."
  }
}

run "a_vpc_concurrency_signing_and_schedules_can_be_given" {
  command = plan

  variables {
    concurrency = { reserved = 5, provisioned = 2 }
    vpc_config  = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
    artifact    = merge(var.artifact, { code_signing_config_arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:code-signing-config:csc-0123456789abcdef0" })
    schedules   = { watch = "rate(5 minutes)" }
  }

  assert {
    condition     = aws_lambda_provisioned_concurrency_config.this[0].qualifier == "live" && aws_lambda_provisioned_concurrency_config.this[0].provisioned_concurrent_executions == 2
    error_message = "The alias must be kept warm."
  }

  assert {
    condition     = endswith(aws_lambda_function.this.code_signing_config_arn, "csc-0123456789abcdef0")
    error_message = "The signature must be checked."
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.this["watch"].name == "cross-partition-test-router-watch" &&
      jsondecode(aws_cloudwatch_event_target.this["watch"].input) == { task = "watch" } &&
      aws_lambda_permission.schedule["watch"].qualifier == "live"
    )
    error_message = "Without an alias for tasks, a schedule must send its task to the one there is."
  }

  assert {
    condition     = one(aws_lambda_function.this.vpc_config).subnet_ids == toset(["subnet-1"]) && one(aws_lambda_function.this.vpc_config).security_group_ids == toset(["sg-1"])
    error_message = "The function must be in the given subnets."
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 5
    error_message = "The concurrency must be reserved."
  }
}

run "tasks_and_the_stream_can_have_aliases_of_their_own" {
  command = plan

  override_resource {
    target          = aws_lambda_function.this
    override_during = plan
    values          = { version = "8" }
  }

  override_resource {
    target          = aws_lambda_alias.tasks
    override_during = plan
    values          = { arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:tasks" }
  }

  override_resource {
    target          = aws_lambda_alias.stream
    override_during = plan
    values          = { arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:stream" }
  }

  variables {
    task_alias_name = "tasks"
    concurrency     = { provisioned = 2 }
    schedules       = { watch = "rate(5 minutes)" }
    stream          = { alias_name = "stream", arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/2026-11-22T00:00:00.000" }
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.stream[0].function_name == output.stream_alias_arn && endswith(output.stream_alias_arn, ":stream") &&
      aws_lambda_event_source_mapping.stream[0].event_source_arn == var.stream.arn &&
      aws_lambda_event_source_mapping.stream[0].starting_position == "TRIM_HORIZON" &&
      aws_lambda_event_source_mapping.stream[0].batch_size == 1000 &&
      aws_lambda_event_source_mapping.stream[0].maximum_batching_window_in_seconds == 60 &&
      aws_lambda_event_source_mapping.stream[0].maximum_retry_attempts == -1 &&
      aws_lambda_event_source_mapping.stream[0].maximum_record_age_in_seconds == -1
    )
    error_message = "Changes must come from the oldest on, through the stream's alias, and again until they are taken."
  }

  assert {
    condition = [
      for alias in [aws_lambda_alias.this, aws_lambda_alias.tasks[0], aws_lambda_alias.stream[0]] : "${alias.name} ${alias.function_version}"
    ] == ["live 8", "tasks 8", "stream 8"]
    error_message = "All aliases must point to the version in service."
  }

  assert {
    condition = (
      aws_cloudwatch_event_target.this["watch"].arn == output.task_alias_arn && endswith(output.task_alias_arn, ":tasks") &&
      aws_lambda_permission.schedule["watch"].qualifier == "tasks" &&
      aws_lambda_function_event_invoke_config.this[0].qualifier == "tasks"
    )
    error_message = "Schedules must use the alias for tasks."
  }

  assert {
    condition     = aws_lambda_permission.api.qualifier == "live" && aws_lambda_provisioned_concurrency_config.this[0].qualifier == "live"
    error_message = "API Gateway and the warm executions must stay with the alias of the API."
  }
}

run "without_an_alias_of_its_own_the_stream_goes_where_tasks_go" {
  command = plan

  override_resource {
    target          = aws_lambda_alias.tasks
    override_during = plan
    values          = { arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:cross-partition-test-router:tasks" }
  }

  variables {
    task_alias_name = "tasks"
    stream          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/2026-11-22T00:00:00.000" }
  }

  assert {
    condition     = length(aws_lambda_alias.stream) == 0 && endswith(aws_lambda_event_source_mapping.stream[0].function_name, ":tasks")
    error_message = "There must be no third alias that nobody asked for."
  }
}

run "a_gradual_release_leaves_the_aliases_where_they_were" {
  command = plan

  variables {
    gradual_release = { from_version = "7", new_version_percent = 10 }
    task_alias_name = "tasks"
    stream          = { alias_name = "stream", arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/1" }
  }

  # The new version's number, the key of its share, is known after the apply only: the twin shows it.
  assert {
    condition     = aws_lambda_alias.this.function_version == "7" && length(aws_lambda_alias.this.routing_config) == 1
    error_message = "Most calls must stay with the version in service."
  }

  assert {
    condition = alltrue([
      for alias in [aws_lambda_alias.tasks[0], aws_lambda_alias.stream[0]] : alias.function_version == "7" && length(alias.routing_config) == 0
    ])
    error_message = "Tasks and the stream must stay with it, all of them."
  }
}

run "the_other_region" {
  command = plan

  providers = { aws = aws.east }

  variables {
    execution_role_arn = "arn:aws-us-gov:iam::123456789012:role/router-us-gov-east-1"
    kms_key_arn        = "arn:aws-us-gov:kms:us-gov-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    api_execution_arn  = "arn:aws-us-gov:execute-api:us-gov-east-1:123456789012:abc123"
  }

  assert {
    condition     = aws_lambda_permission.api.source_arn == "arn:aws-us-gov:execute-api:us-gov-east-1:123456789012:abc123/*"
    error_message = "Only the API of this region may invoke."
  }
}

run "invalid_values_are_refused" {
  command = plan

  variables {
    function_name      = "has space"
    alias_name         = "1"
    execution_role_arn = "router"
    artifact           = { bucket = "artifacts", key = "router/abc.tar" }
    memory_mb          = 64
    timeout_seconds    = 901
    concurrency        = { reserved = 0 }
    schedules          = { Watch = "rate(5 minutes)" }
    environment        = { "1BAD" = "x" }
    vpc_config         = { subnet_ids = [], security_group_ids = ["sg-1"] }
    log_retention_days = 2
    kms_key_arn        = "alias/key"
    api_execution_arn  = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:*"
  }

  expect_failures = [
    var.function_name, var.alias_name, var.execution_role_arn, var.artifact, var.memory_mb, var.timeout_seconds, var.concurrency,
    var.schedules, var.environment, var.vpc_config, var.log_retention_days, var.kms_key_arn, var.api_execution_arn,
  ]
}

# One run for each further validation of the same variable: expect_failures does not tell them apart.

run "a_fraction_of_provisioned_concurrency_and_no_handler_are_refused" {
  command = plan

  variables {
    artifact    = merge(var.artifact, { handler = "handler" })
    concurrency = { provisioned = 1.5 }
    stream      = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/1", batch_size = 1001 }
  }

  expect_failures = [var.artifact, var.concurrency, var.stream]
}

run "more_provisioned_than_reserved_and_an_unknown_runtime_are_refused" {
  command = plan

  variables {
    artifact    = merge(var.artifact, { runtime = "python3.14" })
    concurrency = { reserved = 1, provisioned = 2 }
    schedules   = { watch = "every 5 minutes" }
    stream      = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/1", batching_window_seconds = 301 }
  }

  expect_failures = [var.artifact, var.concurrency, var.schedules, var.stream]
}

run "a_gradual_release_with_provisioned_concurrency_and_an_unknown_architecture_are_refused" {
  command = plan

  variables {
    artifact        = merge(var.artifact, { architecture = "arm" })
    concurrency     = { provisioned = 2 }
    gradual_release = { from_version = "7", new_version_percent = 10 }
    stream          = { arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests" }
  }

  expect_failures = [var.artifact, var.gradual_release, var.stream]
}

# The names for tasks and the stream are compared with alias_name, so they are not looked at where that is wrong itself.
run "a_gradual_release_from_an_unpublished_version_an_unknown_signature_and_a_pattern_of_aliases_are_refused" {
  command = plan

  variables {
    artifact        = merge(var.artifact, { code_signing_config_arn = "csc" })
    gradual_release = { from_version = "$LATEST", new_version_percent = 10 }
    task_alias_name = "tasks*"
  }

  expect_failures = [var.artifact, var.gradual_release, var.task_alias_name]
}

run "a_gradual_release_of_everything_and_one_alias_for_everything_are_refused" {
  command = plan

  variables {
    gradual_release = { from_version = "7", new_version_percent = 100 }
    task_alias_name = "live"
  }

  expect_failures = [var.gradual_release, var.task_alias_name]
}

run "a_number_as_the_streams_alias_is_refused" {
  command = plan

  variables {
    stream = { alias_name = "7", arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/1" }
  }

  expect_failures = [var.stream]
}

run "the_apis_alias_for_the_stream_is_refused" {
  command = plan

  variables {
    stream = { alias_name = "live", arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/1" }
  }

  expect_failures = [var.stream]
}

run "the_alias_for_tasks_for_the_stream_is_refused" {
  command = plan

  variables {
    task_alias_name = "tasks"
    stream          = { alias_name = "tasks", arn = "arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/requests/stream/1" }
  }

  expect_failures = [var.stream]
}
