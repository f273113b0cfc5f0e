variable "name" {
  description = "First part of the tables' names, such as `cross-partition-dev`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{1,248}$", var.name))
    error_message = "name must be 1 to 248 letters, digits, dots, hyphens or underscores."
  }
}

variable "kms_key_arn" {
  description = "Customer managed KMS key that encrypts the tables and their backups."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "deletion_protection" {
  description = "Whether DynamoDB refuses to delete the tables."
  type        = bool
  default     = true
  nullable    = false
}
