environment = "dev" # becomes part of every name: cross-partition-dev-...
region      = "us-gov-west-1"

throttling = {
  rate_per_second = 50
  burst           = 100
}

tags = {
  Owner = "platform-team"
}

# What follows is optional, with the values of its defaults. The READMEs of the modules describe every field.

# credential      = { mode = "api_key" }                      # or "aws_keys"; or "federation", which stores no secret: terraform/commercial/README.md
# egress          = {}                                        # outside a VPC; or { new_vpc = {} }, or { existing_vpc = {...} }
# api             = {}                                        # a regional API for this account: endpoint, access, domain, waf
# caller_policies = { models = {}, create = false }           # models = { chat = ["us.anthropic.claude-haiku-4-5-20251001-v1:0"] }
# guardrail_arn   = null                                      # for a policy with guardrails.before_egress: "arn:aws-us-gov:bedrock:us-gov-west-1:<account>:guardrail/<id>"
# audit_archive   = null                                      # or {}: audit records go into a bucket too, where nobody can delete them for 913 days
# alarms          = { notification_emails = [] }
