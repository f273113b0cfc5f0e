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
