terraform {
  required_version = ">= 1.11, < 2.0"
}

# No provider: a policy can be checked anywhere, without an account.
