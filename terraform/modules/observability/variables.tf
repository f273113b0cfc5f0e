variable "name" {
  description = "First part of the names of topic, alarms and dashboard."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9_-]{0,99}$", var.name))
    error_message = "name must be 1 to 100 letters, digits, hyphens or underscores and start with a letter."
  }
}

variable "function_name" {
  description = "Name of the router's Lambda function."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.function_name))
    error_message = "function_name must be 1 to 64 letters, digits, hyphens or underscores."
  }
}

variable "service_name" {
  description = "Value of the dimension `service` of the router's own metrics, POWERTOOLS_SERVICE_NAME; null stands for the function's name."
  type        = string
  default     = null

  validation {
    condition     = var.service_name == null ? true : can(regex("^[A-Za-z0-9_.-]{1,128}$", var.service_name))
    error_message = "service_name must be null or 1 to 128 letters, digits, dots, hyphens or underscores."
  }
}

variable "metrics_namespace" {
  description = "Namespace of the router's own metrics, POWERTOOLS_METRICS_NAMESPACE."
  type        = string
  default     = "CrossPartitionInference"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_./-]{1,255}$", var.metrics_namespace)) && !startswith(var.metrics_namespace, "AWS/")
    error_message = "metrics_namespace must be 1 to 255 letters, digits, dots, slashes, hyphens or underscores and not start with AWS/."
  }
}

variable "api_name" {
  description = "Name of the REST API."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{1,128}$", var.api_name))
    error_message = "api_name must be 1 to 128 letters, digits, dots, hyphens or underscores."
  }
}

variable "stage_name" {
  description = "Stage of the REST API."
  type        = string
  default     = "v1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,128}$", var.stage_name))
    error_message = "stage_name must be 1 to 128 letters, digits, hyphens or underscores."
  }
}

variable "audit_table_name" {
  description = "Name of the audit table."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,255}$", var.audit_table_name))
    error_message = "audit_table_name must be 3 to 255 letters, digits, dots, hyphens or underscores."
  }
}

variable "audit_archive_enabled" {
  description = "Whether the function archives the audit table's stream, whose delay is then watched."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "Customer managed KMS key that encrypts the topic; its policy must let CloudWatch alarms use it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "notification_emails" {
  description = "Addresses that get every alarm; each must confirm its subscription. Other subscribers attach themselves to the topic."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.notification_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s.]+$", address))])
    error_message = "notification_emails must be e-mail addresses."
  }
}

variable "thresholds" {
  description = "From where on alarms fire; every field has a default."
  type = object({
    # Five minutes with fewer requests say nothing of a rate.
    minimum_requests   = optional(number, 10)
    error_rate_percent = optional(number, 5)

    # Close to the 29 seconds at which API Gateway gives up.
    p99_latency_ms = optional(number, 25000)

    # Within five minutes.
    denied_crossings      = optional(number, 10)
    function_errors       = optional(number, 1)
    function_throttles    = optional(number, 1)
    audit_table_throttles = optional(number, 1)

    # A fraction of a day suits short-term keys, which live for twelve hours.
    credential_expiry_days = optional(number, 14)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for threshold in values(var.thresholds) : threshold > 0])
    error_message = "thresholds must be greater than 0."
  }

  validation {
    condition     = var.thresholds.error_rate_percent < 100
    error_message = "thresholds.error_rate_percent must be less than 100: the alarm fires above it."
  }
}

variable "watch_interval_minutes" {
  description = "How often the router's scheduled check runs."
  type        = number
  default     = 5
  nullable    = false

  validation {
    condition     = var.watch_interval_minutes >= 1 && var.watch_interval_minutes <= 60 && floor(var.watch_interval_minutes) == var.watch_interval_minutes
    error_message = "watch_interval_minutes must be a whole number between 1 and 60."
  }
}
