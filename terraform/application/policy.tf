# The boundary's policy: an item of a table and no variable of the function, so that a change is in force within a minute, makes
# no new version, and may be longer than 4 KB.

locals {
  policy_path = startswith(var.policy_file, "/") ? var.policy_file : "${path.module}/${var.policy_file}"

  # A policy may name the guardrail that the router's role may use, by ARN or by id, and no other.
  guardrail_arn         = var.infrastructure.guardrail_arn
  guardrail_identifiers = local.guardrail_arn == null ? [] : [local.guardrail_arn, reverse(split("/", local.guardrail_arn))[0]]
  before_egress         = try(jsondecode(module.policy.json).guardrails.before_egress.identifier, null)
}

module "policy" {
  source = "../modules/policy"

  document = file(local.policy_path)
}

resource "aws_dynamodb_table_item" "policy" {
  table_name = var.infrastructure.policy_table_name
  hash_key   = "name"
  item       = module.policy.item

  lifecycle {
    # Terraform breaks long lines, unless they are indented.
    precondition {
      condition     = length(module.policy.problems) == 0
      error_message = "policy_file is no good policy:\n  ${join("\n  ", module.policy.problems)}"
    }

    # The router would answer every request with 503.
    precondition {
      condition     = local.before_egress == null ? true : contains(local.guardrail_identifiers, local.before_egress)
      error_message = <<-EOT
        guardrails.before_egress of policy_file names ${local.before_egress == null ? "none" : local.before_egress}, and the
        router may use ${local.guardrail_arn == null ? "none" : local.guardrail_arn}: guardrail_arn in infrastructure.tfvars, and make apply.
      EOT
    }
  }
}
