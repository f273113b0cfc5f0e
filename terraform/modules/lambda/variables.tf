variable "function_name" {
  description = "Name of the function; its log group is named after it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,47}$", var.function_name))
    error_message = "function_name must be 1 to 47 letters, digits, hyphens or underscores: a schedule's rule adds 17."
  }
}

variable "alias_name" {
  description = "Name of the alias that points to the version in service."
  type        = string
  default     = "live"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,128}$", var.alias_name)) && !can(regex("^[0-9]+$", var.alias_name))
    error_message = "alias_name must be 1 to 128 letters, digits, hyphens or underscores, and not a number."
  }
}

variable "task_alias_name" {
  description = "Name of a second alias, for schedules and whoever invokes the function directly; null sends tasks through the alias of the API."
  type        = string
  default     = null

  validation {
    condition     = var.task_alias_name == null ? true : can(regex("^[A-Za-z0-9_-]{1,128}$", var.task_alias_name)) && !can(regex("^[0-9]+$", var.task_alias_name))
    error_message = "task_alias_name must be null or 1 to 128 letters, digits, hyphens or underscores, and not a number."
  }

  validation {
    condition     = var.task_alias_name == null ? true : var.task_alias_name != var.alias_name
    error_message = "task_alias_name must differ from alias_name: through one alias the code cannot tell an operator from API Gateway."
  }
}

variable "execution_role_arn" {
  description = "ARN of the role the function runs with."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", var.execution_role_arn))
    error_message = "execution_role_arn must be the ARN of an IAM role."
  }
}

variable "artifact" {
  description = "The code: a zip in S3, what it was built for, and the signing configuration that it must satisfy. A new key is a new version."
  type = object({
    bucket                  = string
    key                     = string
    handler                 = optional(string, "handler.lambda_handler")
    runtime                 = optional(string, "python3.13")
    architecture            = optional(string, "arm64")
    code_signing_config_arn = optional(string)
  })
  nullable = false

  validation {
    condition     = try(length(var.artifact.bucket) > 0 && endswith(var.artifact.key, ".zip"), false)
    error_message = "artifact.bucket must not be empty and artifact.key must end in .zip."
  }

  validation {
    condition     = can(regex("^[A-Za-z0-9_./]+\\.[A-Za-z0-9_]+$", var.artifact.handler))
    error_message = "artifact.handler must have the form module.function."
  }

  # Bytecode in the zip is of one minor version. Newer ones are unknown to the provider, older ones to the code.
  validation {
    condition     = contains(["python3.11", "python3.12", "python3.13"], var.artifact.runtime)
    error_message = "artifact.runtime must be python3.11, python3.12 or python3.13."
  }

  validation {
    condition     = contains(["arm64", "x86_64"], var.artifact.architecture)
    error_message = "artifact.architecture must be arm64 or x86_64."
  }

  validation {
    condition     = var.artifact.code_signing_config_arn == null ? true : can(regex("^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:code-signing-config:csc-[a-z0-9]{17}$", var.artifact.code_signing_config_arn))
    error_message = "artifact.code_signing_config_arn must be null, for unsigned artifacts, or the ARN of a Lambda code signing configuration."
  }
}

variable "memory_mb" {
  description = "Memory in MB; processor time grows with it."
  type        = number
  default     = 1024
  nullable    = false

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb must be a whole number between 128 and 10240."
  }
}

variable "timeout_seconds" {
  description = "After how long Lambda ends an invocation."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds must be a whole number between 1 and 900."
  }
}

variable "concurrency" {
  description = "Concurrent executions: `reserved` are set aside and the upper limit (null takes from the account's pool), `provisioned` are kept warm."
  type = object({
    reserved    = optional(number)
    provisioned = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.concurrency.reserved == null ? true : var.concurrency.reserved >= 1 && floor(var.concurrency.reserved) == var.concurrency.reserved
    error_message = "concurrency.reserved must be null or a whole number of at least 1."
  }

  validation {
    condition     = var.concurrency.provisioned >= 0 && floor(var.concurrency.provisioned) == var.concurrency.provisioned
    error_message = "concurrency.provisioned must be a whole number, 0 for none."
  }

  validation {
    condition     = var.concurrency.reserved == null ? true : var.concurrency.provisioned <= var.concurrency.reserved
    error_message = "concurrency.provisioned must not be more than concurrency.reserved: Lambda takes it out of that."
  }
}

variable "gradual_release" {
  description = "Leaves the alias on `from_version` and sends a share of the calls to the version published now; null moves the alias at once."
  type = object({
    from_version        = string
    new_version_percent = number
  })
  default = null

  validation {
    condition     = var.gradual_release == null ? true : can(regex("^[1-9][0-9]*$", var.gradual_release.from_version))
    error_message = "gradual_release.from_version must be the number of a published version, such as \"7\"."
  }

  validation {
    condition     = var.gradual_release == null ? true : try(var.gradual_release.new_version_percent > 0 && var.gradual_release.new_version_percent < 100, false)
    error_message = "gradual_release.new_version_percent must be more than 0 and less than 100; for all of it set gradual_release to null."
  }

  validation {
    condition     = var.gradual_release == null || var.concurrency.provisioned == 0
    error_message = "gradual_release needs concurrency.provisioned = 0: Lambda refuses provisioned concurrency on an alias with two versions."
  }
}

variable "schedules" {
  description = "Tasks by the clock: name => schedule expression. The function gets the event {\"task\": \"<name>\"}."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.schedules) : can(regex("^[a-z][a-z0-9-]{0,15}$", name))])
    error_message = "schedules must have names of up to 16 lowercase letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for expression in values(var.schedules) : can(regex("^(rate\\((1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minutes|hours|days))\\)|cron\\(\\S+( \\S+){5}\\))$", expression))])
    error_message = "schedules must hold rate expressions, such as rate(1 minute) or rate(5 minutes), or cron expressions of six fields."
  }
}

variable "stream" {
  description = "DynamoDB stream whose changes the function gets in batches, from the oldest there is, through the alias `alias_name` made for it (null: the one for tasks); null for none."
  type = object({
    arn                     = string
    alias_name              = optional(string)
    batch_size              = optional(number, 1000)
    batching_window_seconds = optional(number, 60)
  })
  default = null

  validation {
    condition     = var.stream == null ? true : can(regex("^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/*]+/stream/[^/*]+$", var.stream.arn))
    error_message = "stream.arn must be the ARN of one DynamoDB stream."
  }

  validation {
    condition     = try(var.stream.alias_name, null) == null ? true : can(regex("^[A-Za-z0-9_-]{1,128}$", var.stream.alias_name)) && !can(regex("^[0-9]+$", var.stream.alias_name))
    error_message = "stream.alias_name must be null or 1 to 128 letters, digits, hyphens or underscores, and not a number."
  }

  validation {
    condition     = try(var.stream.alias_name, null) == null ? true : var.stream.alias_name != var.alias_name && var.stream.alias_name != var.task_alias_name
    error_message = "stream.alias_name must differ from alias_name and task_alias_name: through one alias the code cannot tell who invented a change."
  }

  # A batch holds 6 MB at most as well, whatever its number of changes.
  validation {
    condition     = var.stream == null ? true : var.stream.batch_size >= 1 && var.stream.batch_size <= 1000 && floor(var.stream.batch_size) == var.stream.batch_size
    error_message = "stream.batch_size must be a whole number between 1 and 1000."
  }

  validation {
    condition     = var.stream == null ? true : var.stream.batching_window_seconds >= 0 && var.stream.batching_window_seconds <= 300 && floor(var.stream.batching_window_seconds) == var.stream.batching_window_seconds
    error_message = "stream.batching_window_seconds must be a whole number between 0 and 300."
  }
}

variable "environment" {
  description = "Environment variables of the function; no secrets."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", name)) && !contains(["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "TZ"], name) && !can(regex("^(AWS_)?LAMBDA_", name))])
    error_message = "environment must have names of letters, digits and underscores that start with a letter, and none that Lambda sets itself."
  }
}

variable "vpc_config" {
  description = "Subnets and security groups of the function; null runs it outside a VPC."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null

  validation {
    condition = var.vpc_config == null ? true : try(
      length(var.vpc_config.subnet_ids) > 0 && length(var.vpc_config.security_group_ids) > 0 &&
      alltrue([for id in var.vpc_config.subnet_ids : startswith(id, "subnet-")]) &&
      alltrue([for id in var.vpc_config.security_group_ids : startswith(id, "sg-")]), false
    )
    error_message = "vpc_config must be null or hold ids of at least one subnet (subnet-...) and one security group (sg-...)."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the function's log."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a retention CloudWatch Logs offers, such as 30, 90, 365 or 3653."
  }
}

variable "kms_key_arn" {
  description = "Customer managed KMS key that encrypts the log and the environment; its policy must let CloudWatch Logs use it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "api_execution_arn" {
  description = "Execution ARN of the REST API that may invoke the alias, without a stage."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:execute-api:[a-z0-9-]+:[0-9]{12}:[a-z0-9]+$", var.api_execution_arn))
    error_message = "api_execution_arn must be an execution ARN that ends in the API's id."
  }
}
