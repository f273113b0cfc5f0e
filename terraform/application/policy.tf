# The boundary's policy: an item of a table and no variable of the function, so that a change is in force within a minute, makes
# no new version, and may be longer than 4 KB.

locals {
  policy_path = startswith(var.policy_file, "/") ? var.policy_file : "${path.module}/${var.policy_file}"
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
  }
}
