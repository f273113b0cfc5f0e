variable "region" {
  description = "Region of the state bucket and of the API Gateway account setting; a Commercial one for the state of the root `commercial`."
  type        = string
  default     = "us-gov-west-1"
  nullable    = false

  validation {
    condition     = contains(["us-gov-west-1", "us-gov-east-1", "us-east-1", "us-east-2", "us-west-2", "ca-central-1"], var.region)
    error_message = "region must be us-gov-west-1 or us-gov-east-1, or for a Commercial account us-east-1, us-east-2, us-west-2 or ca-central-1."
  }
}

variable "name_prefix" {
  description = "First part of every resource's name; the same as in the other roots."
  type        = string
  default     = "cross-partition"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name_prefix)) && length(var.name_prefix) >= 3 && length(var.name_prefix) <= 15
    error_message = "name_prefix must be 3 to 15 lowercase letters, digits and single hyphens, start with a letter and not end in a hyphen."
  }
}

variable "tags" {
  description = "Tags for every resource, beside Project and ManagedBy."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection([for key in keys(var.tags) : lower(key)], ["project", "managedby", "name"])) == 0
    error_message = "tags must not set Project, ManagedBy or Name, in any case: IAM does not tell cases apart."
  }

  validation {
    condition     = length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags) && !anytrue([for key in keys(var.tags) : startswith(lower(key), "aws:")])
    error_message = "tags must differ in more than case and not begin with aws:, which AWS keeps for itself."
  }
}

variable "use_fips_endpoint" {
  description = "Whether Terraform calls AWS through FIPS endpoints; false only where a custom endpoint stands in for AWS."
  type        = bool
  default     = true
  nullable    = false
}

variable "api_gateway_logging_enabled" {
  description = "Whether this root gives API Gateway its CloudWatch role; false where the account has one already."
  type        = bool
  default     = true
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role for API Gateway's logs; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[^*]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be null or the ARN of an IAM policy."
  }
}
