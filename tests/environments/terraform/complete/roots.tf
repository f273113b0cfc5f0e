# Every root with every option, as the strictest environment would have it: planned only, for checkov.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

module "bootstrap" {
  source = "../../../../terraform/bootstrap"

  name_prefix       = "complete"
  use_fips_endpoint = false
}

module "infrastructure" {
  source = "../../../../terraform/infrastructure"

  name_prefix       = "complete"
  environment       = "prod"
  use_fips_endpoint = false

  guardrail_arn   = "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:guardrail/abc123def456"
  audit_archive   = {}
  caller_policies = { models = { nova-lite = ["amazon.nova-lite-v1:0"] }, create = true }
  alarms          = { notification_emails = ["operators@agency.example"] }
  throttling      = { routes = { "POST /bedrock/invoke-model" = { rate_per_second = 5, burst = 10 } } }

  egress = {
    new_vpc = {
      availability_zones = ["us-gov-west-1a", "us-gov-west-1b"]
      endpoints          = ["bedrock-runtime", "dynamodb", "kms", "logs", "s3", "secretsmanager", "sts"]
      firewall           = {}
    }
  }

  api = {
    access = { account_ids = ["210987654321"], source_cidrs = ["198.51.100.0/24"] }
    waf    = {}
    domain = {
      name            = "inference.agency.example"
      certificate_arn = "arn:aws:acm:us-gov-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
    }
  }
}

module "application" {
  source = "../../../../terraform/application"

  infrastructure    = module.infrastructure.application_inputs
  artifact_key      = "router/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.zip"
  use_fips_endpoint = false
  policy_file       = "policies/examples/guardrails-both-sides.yaml"

  router = {
    application_profiles    = { "amazon.nova-lite-v1:0" = { name = "triage", tags = { CostCenter = "1234" } } }
    reserved_concurrency    = 100
    provisioned_concurrency = 2
    code_signing_config_arn = "arn:aws:lambda:us-gov-west-1:123456789012:code-signing-config:csc-0123456789abcdef0"
  }
}

module "commercial" {
  source = "../../../../terraform/commercial"

  name_prefix       = "complete"
  environment       = "prod"
  region            = "us-east-1"
  use_fips_endpoint = false

  allowed_source_cidrs                 = ["198.51.100.7/32"]
  invocation_logging                   = { destinations = ["cloudwatch", "s3"], access_log_bucket = "access-logs" }
  application_profile_creation_enabled = true
  async_output                         = { s3_prefixes = ["s3://async-output/cross-partition/"] }
  application_profiles                 = { triage = { copy_from = "us.anthropic.claude-haiku-4-5-20251001-v1:0", tags = { CostCenter = "1234" } } }
}
