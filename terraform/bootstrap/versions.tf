terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # The bucket this root creates: the first apply uses a local backend, then the state moves in.
  backend "s3" {}
}

provider "aws" {
  region            = var.region
  use_fips_endpoint = var.use_fips_endpoint

  default_tags {
    tags = merge(var.tags, {
      Project   = var.name_prefix
      ManagedBy = "terraform"
    })
  }
}
