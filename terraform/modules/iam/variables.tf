variable "function_name" {
  description = "Name of the Lambda function the role is for."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,48}$", var.function_name))
    error_message = "function_name must be 1 to 48 letters, digits, hyphens or underscores: the role's name adds the region."
  }
}

variable "task_alias_name" {
  description = "Alias of the function that whoever rotates a stored credential may invoke; best one that does tasks only."
  type        = string
  default     = "live"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z_-][A-Za-z0-9_-]{0,127}$", var.task_alias_name))
    error_message = "task_alias_name must be 1 to 128 letters, digits, hyphens or underscores and not start with a digit."
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

variable "usage_table_arn" {
  description = "ARN of the table in which the function sums up finished records."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/*]+$", var.usage_table_arn))
    error_message = "usage_table_arn must be the ARN of one DynamoDB table."
  }
}

variable "audit_archive" {
  description = "The audit table's stream, and bucket, table and key of the archive the function writes from it (modules/audit_archive); null for none."
  type = object({
    stream_arn  = string
    bucket_arn  = string
    table_arn   = string
    kms_key_arn = string
  })
  default = null

  validation {
    condition     = var.audit_archive == null ? true : can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/*]+/stream/[^/*]+$", var.audit_archive.stream_arn))
    error_message = "audit_archive.stream_arn must be the ARN of one DynamoDB stream."
  }

  validation {
    condition     = var.audit_archive == null ? true : can(regex("^arn:aws[a-z-]*:s3:::[^/*]+$", var.audit_archive.bucket_arn))
    error_message = "audit_archive.bucket_arn must be the ARN of one bucket."
  }

  validation {
    condition     = var.audit_archive == null ? true : can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/*]+$", var.audit_archive.table_arn))
    error_message = "audit_archive.table_arn must be the ARN of one DynamoDB table."
  }

  validation {
    condition     = var.audit_archive == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*]+$", var.audit_archive.kms_key_arn))
    error_message = "audit_archive.kms_key_arn must be the ARN of one KMS key."
  }
}

variable "policy_table_arn" {
  description = "ARN of the table the function reads the boundary's policy from."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/*]+$", var.policy_table_arn))
    error_message = "policy_table_arn must be the ARN of one DynamoDB table."
  }
}

variable "limits_table_arn" {
  description = "ARN of the table in which the function counts requests and tokens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/*]+$", var.limits_table_arn))
    error_message = "limits_table_arn must be the ARN of one DynamoDB table."
  }
}

variable "guardrail_arn" {
  description = "ARN of the guardrail of this region that the policy has text screened by before it crosses; null for none."
  type        = string
  default     = null

  # A guardrail profile would have other regions process the text: not here.
  validation {
    condition     = var.guardrail_arn == null || can(regex("^arn:aws[a-z-]*:bedrock:[a-z0-9-]+:[0-9]{12}:guardrail/[a-z0-9]+$", var.guardrail_arn))
    error_message = "guardrail_arn must be null or the ARN of one guardrail of Amazon Bedrock, and no guardrail profile."
  }
}

variable "stored_credential" {
  description = "The secret that holds the Commercial credential, for modes that store one; null for none, and then no permission of Secrets Manager."
  type = object({
    secret_arn = string
  })
  default = null

  validation {
    condition     = var.stored_credential == null ? true : can(regex("^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^*]+$", var.stored_credential.secret_arn))
    error_message = "stored_credential.secret_arn must be the ARN of one secret."
  }

  validation {
    condition     = var.stored_credential != null || var.federation != null
    error_message = "stored_credential or federation must be set: without either, the function cannot prove itself to the Commercial account."
  }
}

variable "federation" {
  description = "The one audience the role may get identity tokens for, to be exchanged for credentials of a Commercial role; null for none."
  type = object({
    audience = string
  })
  default = null

  validation {
    condition     = var.federation == null ? true : can(regex("^[A-Za-z0-9._:/-]{1,255}$", var.federation.audience))
    error_message = "federation.audience must be 1 to 255 letters, digits or characters of ._:/- and name one audience, without wildcards."
  }
}

variable "kms_key_arn" {
  description = "KMS key of the table, the secret and the function's environment variables."
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

variable "create_caller_policies" {
  description = "Whether the policies of the output policies_json also exist as managed policies."
  type        = bool
  default     = false
  nullable    = false
}

variable "model_policies" {
  description = <<-EOT
    Policies that allow some models only, by a name of your choice: the ids, as they stand in the path /model/{id}/..., of
    models or inference profiles, or patterns that end in "*", such as "us.anthropic.*".
  EOT
  type        = map(set(string))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, models in var.model_policies : can(regex("^[a-z][a-z0-9-]{0,29}$", name)) && try(length(models) > 0, false)])
    error_message = "model_policies: a name has up to 30 lowercase letters, digits and hyphens, starts with a letter, and has at least one model."
  }

  # A pattern names at least a provider: it has a dot (or is an ARN) before its "*", and the "*" is at its end.
  validation {
    condition = alltrue([
      for model in flatten([for models in values(var.model_policies) : tolist(models) if models != null]) :
      (
        can(regex("^[A-Za-z0-9][A-Za-z0-9._:-]{0,255}$", model)) ||
        can(regex("^[A-Za-z0-9][A-Za-z0-9_:-]*\\.[A-Za-z0-9._:-]*\\*$", model)) ||
        can(regex("^arn:aws:bedrock:[a-z0-9-]+:[0-9]{0,12}:[a-z-]+/[A-Za-z0-9._:-]+\\*?$", model))
      ) && !strcontains(model, "..")
    ])
    error_message = "model_policies: a model is an id such as amazon.nova-lite-v1:0, an ARN of Bedrock in Commercial, or the start of one followed by *."
  }
}

variable "operator_access" {
  description = "What an operator may look at beside the function's own log: log groups, alarms and dashboards of CloudWatch, by name."
  type = object({
    log_group_names = optional(set(string), [])
    alarm_names     = optional(set(string), [])
    dashboard_names = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for name in setunion(var.operator_access.log_group_names, var.operator_access.alarm_names, var.operator_access.dashboard_names) :
      can(regex("^[A-Za-z0-9_./#-]{1,255}$", name))
    ])
    error_message = "operator_access must hold names, not ARNs, without wildcards."
  }
}

variable "in_vpc" {
  description = "Whether the function runs in a VPC, where Lambda needs the role to manage its network interfaces."
  type        = bool
  default     = false
  nullable    = false
}

variable "permissions_boundary_arn" {
  description = "Policy that limits what the execution role can ever be allowed; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[^*]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}
