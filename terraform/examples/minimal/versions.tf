terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

# No provider block: a root takes region and credentials from the environment (AWS_REGION, AWS_PROFILE), and another
# root can use this folder as a module, once per account.
