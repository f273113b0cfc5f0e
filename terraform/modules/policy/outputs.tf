output "problems" {
  description = "What is wrong with the policy, such as `callers[0].name: is required`; empty if nothing is. The router finds the same."
  value       = local.problems
}

output "json" {
  description = "The policy as the router gets it: JSON without comments and blanks, members in order."
  value       = local.json
}

output "version" {
  description = "SHA-256 of `json` in hexadecimal: what audit records name as `policyVersion`."
  value       = sha256(local.json)
}

output "item" {
  description = "The item of the policy table, as `aws_dynamodb_table_item` takes it; its hash key is `name`."
  value       = jsonencode({ name = { S = "boundary" }, document = local.stored_document })
}
