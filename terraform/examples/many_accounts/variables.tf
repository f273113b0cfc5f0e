variable "region" {
  description = "GovCloud region of both accounts."
  type        = string
  default     = "us-gov-west-1"
  nullable    = false

  validation {
    condition     = can(regex("^us-gov-(west|east)-1$", var.region))
    error_message = "region must be us-gov-west-1 or us-gov-east-1."
  }
}

variable "role_arns" {
  description = "The role Terraform takes in each account."
  type = object({
    research   = string
    operations = string
  })
  nullable = false

  validation {
    condition     = alltrue([for arn in values(var.role_arns) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", arn))])
    error_message = "role_arns must be ARNs of IAM roles."
  }
}

variable "artifact_buckets" {
  description = "A bucket in each account that holds the artifact."
  type = object({
    research   = string
    operations = string
  })
  nullable = false

  validation {
    condition     = alltrue([for bucket in values(var.artifact_buckets) : length(bucket) > 0])
    error_message = "artifact_buckets must not be empty."
  }
}

variable "artifact_key" {
  description = "Key of the release, the same in both buckets: both accounts run the same bytes."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^router/[0-9a-f]{64}\\.zip$", var.artifact_key))
    error_message = "artifact_key must be router/<sha256 of the zip in hexadecimal>.zip."
  }
}

variable "use_fips_endpoint" {
  description = "Whether Terraform calls AWS through FIPS endpoints; false only where a custom endpoint stands in for AWS."
  type        = bool
  default     = true
  nullable    = false
}
