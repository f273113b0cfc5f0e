variable "name" {
  description = "Name of the secret."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9/_+=.@-]{1,512}$", var.name))
    error_message = "name must be 1 to 512 letters, digits or characters of /_+=.@-"
  }

  validation {
    condition     = !can(regex("-[A-Za-z0-9]{6}$", var.name))
    error_message = "name must not end in a hyphen and six characters: AWS could not tell it from the suffix of a secret's ARN."
  }
}

variable "description" {
  description = "What the secret holds."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.description) >= 1 && length(var.description) <= 2048
    error_message = "description must be 1 to 2048 characters."
  }
}

variable "kms_key_arn" {
  description = "Customer managed KMS key that encrypts the secret; null with `create_kms_key`."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be null or the ARN of a KMS key."
  }

  validation {
    condition     = (var.kms_key_arn == null) == var.create_kms_key
    error_message = "Set either kms_key_arn or create_kms_key = true: the secret has one key."
  }
}

variable "create_kms_key" {
  description = "Whether to make a key that serves this secret alone."
  type        = bool
  default     = false
  nullable    = false
}

variable "recovery_window_days" {
  description = "Days in which a deleted secret can be restored; 0 deletes at once."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30 && floor(var.recovery_window_days) == var.recovery_window_days)
    error_message = "recovery_window_days must be 0 or a whole number between 7 and 30."
  }
}
