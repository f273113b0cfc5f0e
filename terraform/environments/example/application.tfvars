# What may cross is the boundary's policy: policy.yaml in this folder, if there is one, otherwise the one that ships,
# terraform/application/policies/starting.yaml. Copy that, change it, and put it in force: make policy ENV=<name>
# policy_file = "policies/examples/teams-with-labels.yaml" # any other file; relative to terraform/application

router = {
  commercial_region = "us-east-1" # or us-east-2, us-west-2, ca-central-1: those with FIPS endpoints of Bedrock
  log_level         = "INFO"

  # The bill by tags, without the callers knowing of it: terraform/commercial/README.md, "Application inference profiles".
  # application_profiles = { "anthropic.claude-haiku-4-5-20251001-v1:0" = { arn = "arn:aws:bedrock:us-east-1:<Commercial account>:application-inference-profile/<id>" } }
}
