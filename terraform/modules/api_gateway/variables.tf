variable "name" {
  description = "Name of the REST API; its access log group is named after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,100}$", var.name))
    error_message = "name must be 1 to 100 letters, digits, hyphens or underscores."
  }
}

variable "function_alias_arn" {
  description = "ARN of the Lambda alias every operation invokes; the function need not exist yet."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+:[A-Za-z0-9_-]+$", var.function_alias_arn))
    error_message = "function_alias_arn must be the ARN of an alias, ending in function:<name>:<alias>."
  }
}

variable "stage_name" {
  description = "Stage the API is deployed to; the first path segment of every URL."
  type        = string
  default     = "v1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,128}$", var.stage_name))
    error_message = "stage_name must be 1 to 128 letters, digits, hyphens or underscores."
  }
}

variable "integration_timeout_seconds" {
  description = "How long API Gateway waits for the function. More than 29 needs a raised account quota."
  type        = number
  default     = 29
  nullable    = false

  validation {
    condition     = var.integration_timeout_seconds >= 1 && var.integration_timeout_seconds <= 300
    error_message = "integration_timeout_seconds must be between 1 and 300."
  }
}

variable "throttling" {
  description = "Requests per second, and the burst above it, that the stage accepts in all."
  type = object({
    rate_per_second = optional(number, 50)
    burst           = optional(number, 100)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.throttling.rate_per_second > 0 && var.throttling.burst > 0
    error_message = "throttling.rate_per_second and throttling.burst must be greater than 0."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the access log."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a retention CloudWatch Logs offers, such as 30, 90, 365 or 3653."
  }
}

variable "kms_key_arn" {
  description = "Customer managed KMS key that encrypts the access log; its policy must let CloudWatch Logs use it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}
