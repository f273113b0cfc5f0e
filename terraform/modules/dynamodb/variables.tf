variable "name" {
  description = "Name of the audit table."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.name))
    error_message = "name must be 3 to 255 letters, digits, dots, hyphens or underscores."
  }
}

variable "usage_table_name" {
  description = "Name of the table for what records add up to."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.usage_table_name))
    error_message = "usage_table_name must be 3 to 255 letters, digits, dots, hyphens or underscores."
  }

  validation {
    condition     = var.usage_table_name != var.name
    error_message = "usage_table_name must differ from name: they are two tables."
  }
}

variable "stream_enabled" {
  description = "Whether the audit table has a stream of its changes, old and new, for an archive."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "Customer managed KMS key that encrypts the tables, the stream and the backups."
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

variable "retention_days" {
  description = "After how many days a record is meant to expire; DynamoDB goes by the `ttl` of each record, which its writer sets from the output of this name."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3653 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number between 1 and 3653."
  }
}
