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

resource "aws_lambda_provisioned_concurrency_config" "this" {
  count = var.concurrency.provisioned == 0 ? 0 : 1

  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.this.name
  provisioned_concurrent_executions = var.concurrency.provisioned
}
