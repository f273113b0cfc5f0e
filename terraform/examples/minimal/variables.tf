variable "name" {
  description = "First part of every resource's name."
  type        = string
  default     = "inference"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 20 lowercase letters, digits and hyphens, start with a letter and not end in a hyphen."
  }
}

variable "artifact" {
  description = "The router: a zip that scripts/package.py built, in a bucket of the account."
  type = object({
    bucket = string
    key    = string
  })
  nullable = false

  validation {
    condition     = length(var.artifact.bucket) > 0 && endswith(var.artifact.key, ".zip")
    error_message = "artifact.bucket must not be empty and artifact.key must end in .zip."
  }
}

variable "policy" {
  description = "The boundary's policy, YAML or JSON (terraform/application/policies/README.md); null for the one that ships with the application root."
  type        = string
  default     = null

  validation {
    condition     = var.policy == null || can(keys(yamldecode(var.policy))) # a path is YAML, too: a text
    error_message = "policy must be the text of a policy, YAML or JSON, such as file(\"policy.yaml\"), and not its path."
  }
}

variable "vpc_config" {
  description = "Subnets and security groups of the function; null runs it outside a VPC."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null

  validation {
    condition     = var.vpc_config == null ? true : length(var.vpc_config.subnet_ids) > 0 && length(var.vpc_config.security_group_ids) > 0
    error_message = "vpc_config must be null or name at least one subnet and one security group."
  }
}
