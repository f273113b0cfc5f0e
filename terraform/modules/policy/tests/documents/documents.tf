# The cases, and every policy that ships with the application root.

locals {
  shipped = "${path.module}/../../../../application/policies"

  documents = merge(
    { for name, case in local.cases : name => jsonencode(merge(local.right, case.change)) },
    { for file in fileset(local.shipped, "**/*.yaml") : file => file("${local.shipped}/${file}") },
    {
      "no object"                       = "[]"
      "a date and off as YAML has them" = <<-YAML
        version: 1
        classifications: { allowed: [public] }
        models: { allow: ["*"] }
        destinations: { regions: ["us-*"] }
        markings: { mode: off }
        callers: [{ name: a, principals: ["*"], classification: public, expires_at: 2027-07-01 }]
      YAML
      # What is in a comment or a value does not count.
      "members given twice" = <<-YAML
        version: 1 # not version: 2
        classifications: { allowed: [public], header: name, "allowed" : [internal] }
        models:
          allow: ["*"]
          deny: ["*opus*"] # deny: []
          # deny: ["*sonnet*"]
          deny: []
        destinations: { regions: ["us-*"] }
        markings: {"mode":"block","patterns":["DENY: A", "ALLOW#B"],"mode":"off"}
        callers:
          - &caller { name: a, principals: ["*"], classification: internal }
          - <<: *caller
            name: b
      YAML
    },
  )

  expected = merge(
    { for name, case in local.cases : name => case.problems },
    { for file in fileset(local.shipped, "**/*.yaml") : file => [] },
    {
      "no object"                       = ["policy: must be an object"]
      "a date and off as YAML has them" = []
      "members given twice"             = [for name in ["allowed", "deny", "mode"] : "policy: an object names a member twice: ${name}"]
    },
  )
}

module "policy" {
  source   = "../.."
  for_each = local.documents

  document = each.value
}

output "wrong" {
  description = "Documents that are not judged as they should be: what was expected, and what was said."
  value = {
    for name, policy in module.policy : name => { expected = local.expected[name], said = policy.problems }
    if jsonencode(policy.problems) != jsonencode(local.expected[name])
  }
}

output "yaml_json" {
  description = "What the router gets of the document in YAML."
  value       = module.policy["a date and off as YAML has them"].json
}

output "shipped" {
  description = "The files that ship with the application root."
  value       = fileset(local.shipped, "**/*.yaml")
}
