data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

locals {
  name       = "${var.name_prefix}-${var.environment}"
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  tags = merge(var.tags, {
    Project     = var.name_prefix
    Environment = var.environment
    ManagedBy   = "terraform"
  })

  # The function belongs to the application root. Its name is fixed here, so that the API can point
  # to the alias and the key can trust the log group before the first release. Operators and schedules have an alias of
  # their own, through which the router does tasks and answers no API event, and the audit table's stream has one that no
  # policy names (modules/lambda).
  function_name      = "${local.name}-router"
  alias_name         = "live"
  task_alias_name    = "tasks"
  stream_alias_name  = "stream"
  function_alias_arn = "arn:${local.partition}:lambda:${var.region}:${local.account_id}:function:${local.function_name}:${local.alias_name}"

  # modules/iam names the role so. Built here, because the archive's bucket trusts nobody else, and the role's policy names that
  # bucket.
  execution_role_arn = "arn:${local.partition}:iam::${local.account_id}:role/${local.function_name}-${var.region}"
}
