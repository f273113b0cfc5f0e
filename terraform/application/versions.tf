terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket, key and region come from -backend-config: one key per root and environment.
  backend "s3" {}
}

provider "aws" {
  region            = var.infrastructure.region
  use_fips_endpoint = var.use_fips_endpoint

  default_tags {
    tags = merge(var.tags, var.infrastructure.tags)
  }
}
