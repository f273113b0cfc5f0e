terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # A bucket of the Commercial account; bucket, key and region come from -backend-config.
  backend "s3" {}
}

provider "aws" {
  region            = var.region
  use_fips_endpoint = var.use_fips_endpoint

  default_tags {
    tags = local.tags
  }
}
