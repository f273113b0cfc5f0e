# Callers know only the alias; moving it is the release. In a gradual release it stays where it was, and a share of
# the calls goes to the version that this apply published.
resource "aws_lambda_alias" "this" {
  name             = var.alias_name
  description      = "The version in service"
  function_name    = aws_lambda_function.this.function_name
  function_version = var.gradual_release == null ? aws_lambda_function.this.version : var.gradual_release.from_version

  dynamic "routing_config" {
    for_each = var.gradual_release[*]

    content {
      # Nothing new, nothing to share out: Lambda refuses the same version twice.
      additional_version_weights = {
        for version in [aws_lambda_function.this.version] : version => routing_config.value.new_version_percent / 100
        if version != routing_config.value.from_version
      }
    }
  }
}

# For schedules and operators. A function is told through which alias it was invoked, so the code can do tasks here and
# nothing else: whoever may invoke this one cannot hand it an event of API Gateway that names another caller.
# In a gradual release it stays on the version in service, so that what a task finds out is true of that one. Tasks do not
# belong to the share of calls that tries the new version.
resource "aws_lambda_alias" "tasks" {
  count = var.task_alias_name == null ? 0 : 1

  name             = var.task_alias_name
  description      = "The version in service, for tasks"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_alias.this.function_version
}

# For the stream alone: no policy names it, so nobody but Lambda's own polling hands the code changes of records. Whoever may
# invoke the alias for tasks could invent some. It stays on the version in service as well.
resource "aws_lambda_alias" "stream" {
  count = try(var.stream.alias_name, null) == null ? 0 : 1

  name             = var.stream.alias_name
  description      = "The version in service, for the stream"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_alias.this.function_version
}

locals {
  task_alias   = var.task_alias_name == null ? aws_lambda_alias.this : aws_lambda_alias.tasks[0]
  stream_alias = length(aws_lambda_alias.stream) == 0 ? local.task_alias : aws_lambda_alias.stream[0]
}

resource "aws_lambda_provisioned_concurrency_config" "this" {
  count = var.concurrency.provisioned == 0 ? 0 : 1

  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.this.name
  provisioned_concurrent_executions = var.concurrency.provisioned
}
