# What may cross. Without this item the function denies everything.
module "policy" {
  source = "../../modules/policy"

  document = coalesce(var.policy, file("${path.module}/../../application/policies/starting.yaml"))
}

resource "aws_dynamodb_table_item" "policy" {
  table_name = module.policy_tables.policy_table_name
  hash_key   = "name"
  item       = module.policy.item

  lifecycle {
    precondition {
      condition     = length(module.policy.problems) == 0
      error_message = "policy is no good policy:\n  ${join("\n  ", module.policy.problems)}"
    }
  }
}
