# The cases, and every policy that ships with the application root.

locals {
  shipped = "${path.module}/../../../../application/policies"

  second_deny = ["? deny\n  : []", "?  \"deny\"\n  : []", "\"d\\u0065ny\": []"]
  odd_numbers = ["010", "0x10", "0o10"]
  odd_quotes  = ["[A\"B, \"C #1\"]", "[A \"B, \"C #1\"]", "[A\n  \"B,\", #1\"]"]
  unseen      = { CR = "\r", NEL = "\u0085", LS = "\u2028", PS = "\u2029", "a zero-width space" = "\u200b" }

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
      "members given twice"         = <<-YAML
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
          - { name: a, principals: ["*"], classification: internal }
      YAML
      "an anchor"                   = <<-YAML
        version: 1
        classifications: { allowed: [public] }
        models: { allow: ["*"] }
        destinations: { regions: ["us-*"] }
        markings: { mode: block, patterns: ["A &B"] }
        callers:
          - &caller { name: a, principals: ["arn:aws:iam::123456789012:root"], classification: public, models: ["a*"] }
          - { <<: *caller, name: b }
          - { name: c, principals: ["*"], classification: public, models: ["amazon.nova-lite-*"], models: ["*"] }
      YAML
      "values that look like names" = jsonencode(merge(local.right, { markings = { mode = "block", patterns = ["A\"B: \\", "WHO ? X", "? A", "MODE: A\\"] } }))
      "a member given twice behind what looks like a comment" = replace(
        jsonencode(merge(local.right, { markings = { mode = "block", patterns = ["A #B"] } })), "\"patterns\"", "\"mode\":\"off\",\"patterns\"",
      )
    },
    # A second `deny` undoes the first.
    {
      for spelling in local.second_deny : spelling => <<-YAML
        version: 1
        classifications: { allowed: [public], header: x }
        destinations: { regions: ["us-*"] }
        markings: { mode: block, patterns: ["A\"B: \\", "WHO?", "A ? B"] }
        callers: []
        models:
          allow: ["*"]
          deny: ["*opus*"]
          ${spelling}
      YAML
    },
    {
      for name, character in local.unseen : name => <<-YAML
        version: 1
        classifications: { allowed: [public], header: x }
        models: { allow: ["*"] }
        destinations: { regions: ["us-*"] }
        markings: { mode: "off" } # see the runbook${character}# of ours
        callers: []
      YAML
    },
    # YAML takes a quote within a value without quotes for a part of it.
    {
      for list in local.odd_quotes : list => <<-YAML
        version: 1
        classifications: { allowed: [public], header: x }
        models: { allow: ["*"] }
        destinations: { regions: ["us-*"] }
        markings: { mode: block, patterns: ${list}, mode: off }
        callers: []
      YAML
    },
    {
      "comments of all kinds, and CRLF" = replace(<<-YAML
        # "Don't" – it's a comment
        version: 1 # of the form
        classifications: { allowed: [public], header: x } # 'x
        models: { allow: ["*"] } # "
        destinations: { regions: ["us-*"] }
        markings: { mode: block, patterns: ["A #B", 'C #D',
          "E" # 'F'
          ] }
        callers: [] #
      YAML
      , "\n", "\r\n")
    },
    {
      for number in local.odd_numbers : number => <<-YAML
        version: 1
        classifications: { allowed: [public], header: x }
        models: { allow: ["*"] }
        destinations: { regions: ["us-*"] }
        markings: { mode: off }
        callers: [{ name: a, principals: ["arn:aws:iam::012345678901:root"], limits: {requests_per_day: ${number} } }]
        prices: [{ models: ["*"], input_usd_per_million_tokens: 0.05, output_usd_per_million_tokens: 0 }]
      YAML
    },
  )

  expected = merge(
    { for name, case in local.cases : name => case.problems },
    { for file in fileset(local.shipped, "**/*.yaml") : file => [] },
    {
      "no object"                                             = ["policy: must be an object"]
      "a date and off as YAML has them"                       = []
      "members given twice"                                   = [for name in ["allowed", "deny", "mode"] : "policy: an object names a member twice: ${name}"]
      "an anchor"                                             = ["policy: has an anchor (&); write out what it is for"]
      "values that look like names"                           = []
      "a member given twice behind what looks like a comment" = ["policy: an object names a member twice: mode"]
    },
    { for spelling in local.second_deny : spelling => ["policy: an object names a member with ? or an escape; write its name"] },
    { for name, _ in local.unseen : name => ["policy: has characters that cannot be seen; end lines with LF or CRLF, and indent with blanks"] },
    { for list in local.odd_quotes : list => ["policy: values and comments cannot be told apart; put values with # or quotes between quotes"] },
    { "comments of all kinds, and CRLF" = [] },
    { for number in local.odd_numbers : number => ["policy: a number begins with 0: requests_per_day"] },
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
