# A second environment in the twin's account: the unchanged roots, applied by pytest-terraform. Their backends do not
# count in here, which is why one state can hold both.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

variable "artifact" {
  description = "Path of the router's zip."
  type        = string
}

variable "bedrock_url" {
  description = "The Commercial side of the twin."
  type        = string
}

variable "release_percent" {
  description = "Share of the calls that a new release gets; 0 for all of them at once."
  type        = number
  default     = 0
}

variable "from_version" {
  description = "With release_percent: the version the other calls go to."
  type        = string
  default     = "1"
}

module "infrastructure" {
  source = "../../../../terraform/infrastructure"

  environment                 = "neighbour"
  use_fips_endpoint           = false
  deletion_protection         = false
  secret_recovery_window_days = 0
}

resource "aws_s3_object" "artifact" {
  bucket = module.infrastructure.artifact_bucket
  key    = "router/${filesha256(var.artifact)}.zip"
  source = var.artifact
}

module "application" {
  source = "../../../../terraform/application"

  infrastructure    = module.infrastructure.application_inputs
  artifact_key      = aws_s3_object.artifact.key
  use_fips_endpoint = false
  gradual_release   = var.release_percent == 0 ? null : { from_version = var.from_version, new_version_percent = var.release_percent }

  router = {
    bedrock_endpoint_url         = var.bedrock_url
    bedrock_runtime_endpoint_url = var.bedrock_url
  }
}

output "infrastructure" {
  value = module.infrastructure
}

output "function_version" {
  value = module.application.function_version
}

output "published_version" {
  value = module.application.published_version
}
