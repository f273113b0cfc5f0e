variable "function_name" {
  description = "Name of the Lambda function the role is for."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.function_name))
    error_message = "function_name must be 1 to 48 letters, digits, hyphens or underscores: the role's name adds the region."
  }
}

variable "audit_table_arn" {
  description = "ARN of the audit table the function writes."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/*]+$", var.audit_table_arn))
    error_message = "audit_table_arn must be the ARN of one DynamoDB table."
  }
}

variable "audit_index_arns" {
  description = "ARNs of the audit table's indexes the function queries."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.audit_index_arns) > 0 && alltrue([for arn in var.audit_index_arns : can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/*]+/index/[^/*]+$", arn))])
    error_message = "audit_index_arns must be ARNs of DynamoDB indexes, without wildcards."
  }
}

variable "credential_secret_arn" {
  description = "ARN of the secret that holds the Commercial credential."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^*]+$", var.credential_secret_arn))
    error_message = "credential_secret_arn must be the ARN of one secret."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the table and the secret."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "api_execution_arn" {
  description = "Execution ARN of the REST API that callers may invoke, without a stage."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[0-9]{12}:[a-z0-9]+$", var.api_execution_arn))
    error_message = "api_execution_arn must be an execution ARN that ends in the API's id."
  }
}

variable "stage_name" {
  description = "Stage of the REST API that callers may invoke."
  type        = string
  default     = "v1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,128}$", var.stage_name))
    error_message = "stage_name must be 1 to 128 letters, digits, hyphens or underscores."
  }
}
