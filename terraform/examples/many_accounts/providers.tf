# One provider per account: the same credentials, a role in each. Terraform wants providers written out, not looped over.

provider "aws" {
  alias             = "research"
  region            = var.region
  use_fips_endpoint = var.use_fips_endpoint

  assume_role {
    role_arn = var.role_arns.research
  }

  default_tags {
    tags = { Team = "research", ManagedBy = "terraform" }
  }
}

provider "aws" {
  alias             = "operations"
  region            = var.region
  use_fips_endpoint = var.use_fips_endpoint

  assume_role {
    role_arn = var.role_arns.operations
  }

  default_tags {
    tags = { Team = "operations", ManagedBy = "terraform" }
  }
}
