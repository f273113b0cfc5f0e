# No provider: nothing here is AWS's.

run "every_rule_is_checked" {
  command = plan

  module {
    source = "./tests/documents"
  }

  assert {
    condition     = length(output.wrong) == 0
    error_message = "Not judged as they should be: ${jsonencode(output.wrong)}"
  }

  assert {
    condition = output.shipped == toset([
      "examples/guardrails-both-sides.yaml", "examples/teams-with-labels.yaml", "examples/time-limited-pilot.yaml", "starting.yaml",
    ])
    error_message = "The shipped policies must be among those that are checked."
  }

  assert {
    condition = jsondecode(output.yaml_json) == {
      version         = 1
      classifications = { allowed = ["public"] }
      models          = { allow = ["*"] }
      destinations    = { regions = ["us-*"] }
      markings        = { mode = false }
      callers         = [{ name = "a", principals = ["*"], classification = "public", expires_at = "2027-07-01T00:00:00Z" }]
    }
    error_message = "A date in YAML is its first moment, and off is false."
  }
}

run "the_item" {
  command = plan

  variables {
    document = "version: 1 # and a comment\nmodels: {}"
  }

  assert {
    condition = (
      output.json == "{\"models\":{},\"version\":1}" && output.version == sha256(output.json) &&
      jsondecode(output.item) == { name = { S = "boundary" }, document = { S = output.json } }
    )
    error_message = "The router finds the item by its name, and the version is the hash of its text."
  }
}

run "a_long_policy_is_compressed" {
  command = plan

  variables {
    document = jsonencode({ version = 1, padding = [for number in range(1000) : join("", [for _ in range(301) : "a"])] })
  }

  # base64gzip cannot be undone in here: the test of the router reads one.
  assert {
    condition     = keys(jsondecode(output.item).document) == ["B"] && jsondecode(output.item).document.B == base64gzip(output.json)
    error_message = "What is longer than 300000 characters must be compressed."
  }

  assert {
    condition     = length([for problem in output.problems : problem if strcontains(problem, "too large")]) == 0
    error_message = "What has room, compressed, is not too large."
  }
}

run "a_policy_that_no_item_holds_is_too_large" {
  command = plan

  # Hashes cannot be compressed by more than half.
  variables {
    document = jsonencode({ version = 1, padding = [for number in range(1000) : [for part in range(10) : sha256("${number}.${part}")]] })
  }

  assert {
    condition     = anytrue([for problem in output.problems : can(regex("^policy: is too large: [0-9]+ characters of JSON, [0-9]+ compressed, and 390000 have room$", problem))])
    error_message = "An item of DynamoDB has 400 KB."
  }
}

run "no_yaml_is_refused" {
  command = plan

  variables {
    document = "version: 1\n\tcallers: []"
  }

  expect_failures = [var.document]
}
