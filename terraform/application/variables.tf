variable "infrastructure" {
  description = "The output `application_inputs` of the infrastructure root."
  type = object({
    name               = string
    region             = string
    function_name      = string
    alias_name         = string
    task_alias_name    = string
    stream_alias_name  = string
    execution_role_arn = string
    audit_table_name   = string
    policy_table_name  = string
    limits_table_name  = string
    usage_table_name   = string
    audit_archive = optional(object({
      bucket                  = string
      table_name              = string
      stream_arn              = string
      batching_window_seconds = number
    }))
    credential = object({
      mode       = string
      secret_arn = optional(string)
      federation = optional(object({
        role_arn = string
        audience = string
      }))
    })
    guardrail_arn               = optional(string)
    artifact_bucket             = string
    api_execution_arn           = string
    kms_key_arn                 = string
    integration_timeout_seconds = number
    audit_retention_days        = number
    log_retention_days          = number
    watch_interval_minutes      = number
    vpc_config = optional(object({
      subnet_ids         = list(string)
      security_group_ids = list(string)
    }))
    tags = optional(map(string), {})
  })
  nullable = false

  # Values come from the other root, which checked them; this catches an object of the wrong environment.
  validation {
    condition     = can(regex("^us-gov-(west|east)-1$", var.infrastructure.region))
    error_message = "infrastructure.region must be us-gov-west-1 or us-gov-east-1."
  }

  validation {
    condition     = startswith(var.infrastructure.function_name, var.infrastructure.name)
    error_message = "infrastructure.function_name must start with infrastructure.name: the object mixes two environments."
  }

  validation {
    condition     = contains(["api_key", "aws_keys", "federation"], var.infrastructure.credential.mode)
    error_message = "infrastructure.credential.mode must be api_key, aws_keys or federation."
  }

  validation {
    condition = (
      var.infrastructure.credential.mode == "federation"
      ? var.infrastructure.credential.federation != null
      : var.infrastructure.credential.secret_arn != null
    )
    error_message = "infrastructure.credential must hold what its mode needs: federation for federation, secret_arn for the others."
  }
}

variable "artifact_key" {
  description = "Key of the release in the artifact bucket. An older key is a rollback."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^router/[0-9a-f]{64}\\.zip$", var.artifact_key))
    error_message = "artifact_key must be router/<sha256 of the zip in hexadecimal>.zip."
  }
}

variable "policy_file" {
  description = "The boundary's policy, YAML or JSON: a path, absolute or relative to this folder (policies/README.md)."
  type        = string
  default     = "policies/starting.yaml"
  nullable    = false

  validation {
    condition     = can(file(startswith(var.policy_file, "/") ? var.policy_file : "${path.module}/${var.policy_file}"))
    error_message = "policy_file must be a file that can be read; a path that is not absolute begins in terraform/application."
  }

  validation {
    condition     = can(jsonencode(yamldecode(file(startswith(var.policy_file, "/") ? var.policy_file : "${path.module}/${var.policy_file}"))))
    error_message = "policy_file must be YAML or JSON; terraform console says what is not: yamldecode(file(\"<path>\"))."
  }
}

variable "gradual_release" {
  description = "Sends a share of the calls to this release and leaves the others on `from_version`; null puts it in service at once. release.py sets it."
  type = object({
    from_version        = string
    new_version_percent = number
  })
  default = null

  validation {
    condition     = var.gradual_release == null || var.router.provisioned_concurrency == 0
    error_message = "gradual_release needs router.provisioned_concurrency = 0: Lambda refuses it on an alias with two versions."
  }
}

variable "use_fips_endpoint" {
  description = "Whether Terraform and the function call AWS through FIPS endpoints; false only where a custom endpoint stands in for AWS."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags for every resource, beside those of the infrastructure."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection([for key in keys(var.tags) : lower(key)], ["project", "environment", "managedby", "name"])) == 0
    error_message = "tags must not set Project, Environment, ManagedBy or Name, in any case: IAM does not tell cases apart."
  }

  validation {
    condition     = length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags) && !anytrue([for key in keys(var.tags) : startswith(lower(key), "aws:")])
    error_message = "tags must differ in more than case and not begin with aws:, which AWS keeps for itself."
  }
}

variable "router" {
  description = "Configuration of the router; every field has a default."
  type = object({
    # Where requests go, and what may be asked for.
    commercial_region = optional(string, "us-east-1")
    max_request_bytes = optional(number, 4500000)

    # Gone. Without this line Terraform would drop a leftover of it in silence.
    allow_global_profiles = optional(bool)

    # By foundation model, the application inference profile that its calls go through, which is how their cost gets tags: one
    # by its ARN, or one that the router creates under a name (application_profile_creation_enabled of terraform/commercial).
    application_profiles = optional(map(object({
      arn  = optional(string)
      name = optional(string)
      tags = optional(map(string), {})
    })), {})

    # How long the function may rely on what it fetched.
    credential_max_age_seconds = optional(number, 300)
    discovery_max_age_seconds  = optional(number, 300)

    # How it runs.
    architecture            = optional(string, "arm64")
    memory_mb               = optional(number, 1024)
    reserved_concurrency    = optional(number)
    provisioned_concurrency = optional(number, 0)
    code_signing_config_arn = optional(string)
    log_level               = optional(string, "INFO")

    # Stand-ins for Amazon Bedrock and Commercial STS, for the offline twin and for private endpoints.
    bedrock_endpoint_url         = optional(string)
    bedrock_runtime_endpoint_url = optional(string)
    sts_endpoint_url             = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["us-east-1", "us-east-2", "us-west-2", "ca-central-1"], var.router.commercial_region)
    error_message = "router.commercial_region must be us-east-1, us-east-2, us-west-2 or ca-central-1: only these have FIPS endpoints of Amazon Bedrock."
  }

  validation {
    condition     = var.router.allow_global_profiles == null
    error_message = "router.allow_global_profiles is a matter of the policy now: destinations.global_profiles in policy_file."
  }

  # Lambda takes 6 MB, of which base64 leaves three quarters.
  validation {
    condition     = var.router.max_request_bytes >= 1 && var.router.max_request_bytes <= 4500000 && floor(var.router.max_request_bytes) == var.router.max_request_bytes
    error_message = "router.max_request_bytes must be a whole number between 1 and 4500000."
  }

  validation {
    condition     = var.router.credential_max_age_seconds >= 1 && var.router.credential_max_age_seconds <= 3600 && floor(var.router.credential_max_age_seconds) == var.router.credential_max_age_seconds
    error_message = "router.credential_max_age_seconds must be a whole number between 1 and 3600."
  }

  validation {
    condition     = var.router.discovery_max_age_seconds >= 1 && var.router.discovery_max_age_seconds <= 86400 && floor(var.router.discovery_max_age_seconds) == var.router.discovery_max_age_seconds
    error_message = "router.discovery_max_age_seconds must be a whole number between 1 and 86400."
  }

  validation {
    condition = alltrue([
      for model_id in keys(var.router.application_profiles) :
      can(regex("^[a-z0-9]+\\.[A-Za-z0-9.:_-]+$", model_id)) && !contains(["apac", "au", "ca", "eu", "global", "jp", "us"], split(".", model_id)[0])
    ])
    error_message = "router.application_profiles must be by id of a foundation model such as anthropic.claude-haiku-4-5-20251001-v1:0, without a geography before it."
  }

  validation {
    condition = alltrue([
      for profile in values(var.router.application_profiles) :
      (profile.arn == null) != (profile.name == null) && (profile.arn == null || length(profile.tags) == 0)
    ])
    error_message = "router.application_profiles[*] must have either arn or name; tags go with a name, as a profile that exists has its own."
  }

  validation {
    condition = alltrue([
      for profile in values(var.router.application_profiles) :
      profile.arn == null || can(regex("^arn:aws:bedrock:[a-z0-9-]+:[0-9]{12}:application-inference-profile/[A-Za-z0-9]+$", profile.arn))
    ])
    error_message = "router.application_profiles[*].arn must be the ARN of one application inference profile of the Commercial account."
  }

  # The router finds its profiles again by name.
  validation {
    condition = alltrue([
      for name in [for profile in values(var.router.application_profiles) : profile.name if profile.name != null] :
      can(regex("^([0-9A-Za-z][ _-]?)+$", name)) && length(name) <= 64 &&
      length([for profile in values(var.router.application_profiles) : name if profile.name == name]) == 1
    ])
    error_message = "router.application_profiles[*].name must be 1 to 64 letters and digits, with a single space, underscore or hyphen between them, and no two may have the same."
  }

  validation {
    condition = alltrue(flatten([
      for profile in values(var.router.application_profiles) : [
        for key, value in profile.tags :
        can(regex("^[0-9A-Za-z ._:/=+@-]{1,128}$", key)) && can(regex("^[0-9A-Za-z ._:/=+@-]{0,256}$", value)) && !startswith(lower(key), "aws:")
      ]
    ]))
    error_message = "router.application_profiles[*].tags must have keys of 1 to 128 and values of up to 256 letters, digits, spaces and ._:/=+@- and no key that begins with aws:."
  }

  # The other variables need up to half of what Lambda takes.
  validation {
    condition     = length(jsonencode(var.router.application_profiles)) <= 2000
    error_message = "router.application_profiles has ${length(jsonencode(var.router.application_profiles))} characters as JSON and may have 2000: Lambda takes 4 KB of environment variables in all. Shorten tags, or tag profiles that exist and give their ARNs."
  }

  # Architecture, memory, concurrency and code signing are checked by modules/lambda, which they are handed to.

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], var.router.log_level)
    error_message = "router.log_level must be DEBUG, INFO, WARNING, ERROR or CRITICAL."
  }

  # Plain http may not leave the machine the function runs on.
  validation {
    condition = alltrue([
      for url in [var.router.bedrock_endpoint_url, var.router.bedrock_runtime_endpoint_url, var.router.sts_endpoint_url] :
      url == null || can(regex("^(https://[^/@?#\\s]+|http://(127\\.0\\.0\\.1|localhost|\\[::1\\])(:[0-9]+)?)$", url))
    ])
    error_message = "router.bedrock_endpoint_url, router.bedrock_runtime_endpoint_url and router.sts_endpoint_url must be null, https://host, or http:// on 127.0.0.1, localhost or [::1]; no path."
  }
}
