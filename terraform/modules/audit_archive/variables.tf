variable "name" {
  description = "First part of every name, such as `cross-partition-dev`."
  type        = string
  nullable    = false

  # The bucket's name adds -audit-, the account and the region, in 63 characters.
  validation {
    condition     = length(var.name) <= 30 && can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name))
    error_message = "name must be 1 to 30 lowercase letters, digits and single hyphens, start with a letter and not end in a hyphen."
  }
}

variable "writer_role_arns" {
  description = "Roles that write the archive. The bucket refuses writes of everybody else, whatever IAM says."
  type        = set(string)
  nullable    = false

  validation {
    condition = length(var.writer_role_arns) > 0 && alltrue([
      for arn in var.writer_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))
    ])
    error_message = "writer_role_arns must hold the ARN of at least one IAM role, without patterns."
  }
}

variable "retention" {
  description = "How S3 locks each object, and for how long: nobody can shorten `COMPLIANCE`, whoever may bypass it can undo `GOVERNANCE`."
  type = object({
    mode = optional(string, "COMPLIANCE")

    # 12 months at hand and 18 more in store: OMB M-21-31. AU-11 asks for 90 days at hand.
    days = optional(number, 913)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["COMPLIANCE", "GOVERNANCE"], var.retention.mode)
    error_message = "retention.mode must be COMPLIANCE or GOVERNANCE."
  }

  validation {
    condition     = var.retention.days >= 1 && var.retention.days <= 36500 && floor(var.retention.days) == var.retention.days
    error_message = "retention.days must be a whole number between 1 and 36500."
  }
}

variable "cold_storage_after_days" {
  description = "After how many days objects move to S3 Glacier Instant Retrieval, which reads as fast, for less a month and more a read; 0 for never."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.cold_storage_after_days >= 0 && floor(var.cold_storage_after_days) == var.cold_storage_after_days
    error_message = "cold_storage_after_days must be a whole number, 0 for never."
  }
}

variable "expire_after_days" {
  description = "After how many days objects are deleted; null keeps them for ever."
  type        = number
  default     = null

  # S3 would hide a locked object behind a delete marker at once, and delete it later.
  validation {
    condition     = var.expire_after_days == null ? true : var.expire_after_days >= var.retention.days && floor(var.expire_after_days) == var.expire_after_days
    error_message = "expire_after_days must be null or a whole number of at least retention.days: until then the objects are locked."
  }

  validation {
    condition     = var.expire_after_days == null ? true : var.expire_after_days > var.cold_storage_after_days
    error_message = "expire_after_days must be more than cold_storage_after_days: S3 refuses a lifecycle that deletes before it moves."
  }
}

variable "access_log_bucket" {
  description = "Bucket that S3 logs to who used the archive; null for no log."
  type        = string
  default     = null

  validation {
    condition     = var.access_log_bucket == null ? true : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.access_log_bucket))
    error_message = "access_log_bucket must be null or the name of a bucket."
  }
}

variable "deletion_protection" {
  description = "Whether DynamoDB refuses to delete the table, and Terraform a bucket that is not empty. What is locked, S3 keeps in any case."
  type        = bool
  default     = true
  nullable    = false
}
