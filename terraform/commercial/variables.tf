variable "environment" {
  description = "Name of the environment this account serves; the same as in the roots of the GovCloud account."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "environment must be 2 to 10 lowercase letters and digits and start with a letter."
  }
}

variable "region" {
  description = "Commercial region the router calls: one with FIPS endpoints of Amazon Bedrock."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = contains(["us-east-1", "us-east-2", "us-west-2", "ca-central-1"], var.region)
    error_message = "region must be us-east-1, us-east-2, us-west-2 or ca-central-1: this root is for the Commercial account, and only these regions have FIPS endpoints of Amazon Bedrock."
  }
}

variable "name_prefix" {
  description = "First part of every resource's name; the same as in the roots of the GovCloud account."
  type        = string
  default     = "cross-partition"
  nullable    = false

  # The log bucket's name holds prefix, environment, account and region in 63 characters.
  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name_prefix)) && length(var.name_prefix) >= 3 && length(var.name_prefix) <= 15
    error_message = "name_prefix must be 3 to 15 lowercase letters, digits and single hyphens, start with a letter and not end in a hyphen."
  }
}

variable "tags" {
  description = "Tags for every resource, beside Project, Environment and ManagedBy."
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

variable "use_fips_endpoint" {
  description = "Whether Terraform calls AWS through FIPS endpoints; false only where a custom endpoint stands in for AWS."
  type        = bool
  default     = true
  nullable    = false
}

variable "model_patterns" {
  description = "Foundation models that may be called: ids without a geography, in which * stands for anything; \"*\" alone allows all."
  type        = set(string)
  default     = ["amazon.*", "anthropic.*", "meta.*", "openai.*"]
  nullable    = false

  validation {
    condition = length(var.model_patterns) > 0 && alltrue([
      for pattern in var.model_patterns : can(regex("^(\\*|[a-z0-9]+\\.[A-Za-z0-9.:_*-]+)$", pattern))
    ])
    error_message = "model_patterns must hold at least one pattern: a vendor, a dot and a name such as anthropic.claude-*, or * alone."
  }

  validation {
    condition     = alltrue([for pattern in var.model_patterns : !contains(local.known_geographies, split(".", pattern)[0])])
    error_message = "model_patterns must not begin with a geography such as us. or global.: profile_geographies decides about these."
  }
}

variable "profile_geographies" {
  description = "Geographies whose inference profiles may be called: us, or ca from ca-central-1; null means the region's own."
  type        = set(string)
  default     = null

  validation {
    condition = var.profile_geographies == null || try(
      length(var.profile_geographies) > 0 && length(setsubtract(var.profile_geographies, ["us", "ca"])) == 0, false,
    )
    error_message = "profile_geographies must hold us, ca or both, or be null; global. profiles cannot be allowed here."
  }

  validation {
    condition     = try(!contains(var.profile_geographies, "ca"), true) || var.region == "ca-central-1"
    error_message = "profile_geographies may hold ca only where region is ca-central-1: no other region with a FIPS endpoint has profiles of Canada."
  }
}

variable "guardrail_ids" {
  description = "Guardrails of this account that callers may apply."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for id in var.guardrail_ids : can(regex("^[a-z0-9]+$", id))])
    error_message = "guardrail_ids must be ids, which are lowercase letters and digits, not ARNs or names."
  }
}

variable "allowed_source_cidrs" {
  description = "Public addresses Bedrock and the role may be used from: the NAT gateways of the GovCloud side. Empty means from anywhere."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.allowed_source_cidrs : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]) >= 16, false)])
    error_message = "allowed_source_cidrs must be CIDR blocks such as 198.51.100.7/32, of /16 or smaller."
  }

  validation {
    condition     = alltrue([for cidr in var.allowed_source_cidrs : !can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", cidr))])
    error_message = "allowed_source_cidrs must be public: Bedrock sees the address of the NAT gateway, never a private one."
  }
}

variable "api_key_user_enabled" {
  description = "Whether there is an IAM user for a Bedrock API key or access keys; false where the router uses federation only."
  type        = bool
  default     = true
  nullable    = false
}

variable "federation" {
  description = "Whom in GovCloud a role of this account trusts: the account's issuer, the router's execution role, one audience; null for nobody."
  type = object({
    issuer_url       = string
    subject_role_arn = string
    audience         = optional(string, "cross-partition-inference")

    # An account has one provider per issuer: false where another environment made it, with the same audience.
    create_provider = optional(bool, true)
  })
  default = null

  # AWS documents the domain for its Commercial partition only, so what follows tokens.sts is left open.
  validation {
    condition     = var.federation == null ? true : can(regex("^https://[a-z0-9-]+\\.tokens\\.sts(\\.[a-z0-9-]+)+$", var.federation.issuer_url))
    error_message = "federation.issuer_url must be what scripts/enable_federation.py prints: https://<id>.tokens.sts.<domain>, without a port, a path or a slash at its end."
  }

  validation {
    condition     = var.federation == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,64}$", var.federation.subject_role_arn))
    error_message = "federation.subject_role_arn must be the ARN of one IAM role, the output execution_role_arn of terraform/infrastructure: not of a session, and no pattern."
  }

  validation {
    condition     = var.federation == null ? true : can(regex("^[A-Za-z0-9._:/-]{1,255}$", var.federation.audience))
    error_message = "federation.audience must be 1 to 255 letters, digits or characters of ._:/- and the audience in `credential` of terraform/infrastructure."
  }
}

variable "permissions_boundary_arn" {
  description = "Managed policy that bounds the user and the roles, where the organization demands one; null means none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws:iam::([0-9]{12}|aws):policy/[^*]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of a managed policy of the Commercial partition, or null."
  }
}

variable "application_profiles" {
  description = "Application inference profiles by name: the model id or geography profile id each copies, and tags for the bill."
  type = map(object({
    copy_from = string
    tags      = optional(map(string), {})
  }))
  default  = {}
  nullable = false

  # Bedrock allows 64 characters, of which prefix and environment take up to 27.
  validation {
    condition     = alltrue([for name in keys(var.application_profiles) : can(regex("^[a-z0-9](-?[a-z0-9]){0,31}$", name))])
    error_message = "application_profiles must have names of 1 to 32 lowercase letters and digits, with single hyphens between them."
  }

  validation {
    condition     = alltrue([for profile in var.application_profiles : can(regex("^[a-z0-9]+(\\.[A-Za-z0-9:_-]+)+$", profile.copy_from))])
    error_message = "application_profiles[*].copy_from must be one model id or inference profile id, such as us.anthropic.claude-haiku-4-5-20251001-v1:0; not an ARN and not a pattern."
  }

  # A profile that the policy does not allow would be one that nobody can call.
  validation {
    condition = alltrue([
      for profile in var.application_profiles :
      !contains(setsubtract(local.known_geographies, local.geographies), split(".", profile.copy_from)[0])
    ])
    error_message = "application_profiles[*].copy_from must be a model or a profile of one of the profile_geographies; global. profiles cannot be copied."
  }

  validation {
    condition = alltrue([
      for profile in var.application_profiles : anytrue([
        for pattern in var.model_patterns :
        can(regex("^((${join("|", local.known_geographies)})\\.)?${replace(replace(pattern, ".", "\\."), "*", ".*")}$", profile.copy_from))
      ])
    ])
    error_message = "application_profiles[*].copy_from must be one of the model_patterns, with or without a geography before it."
  }

  validation {
    condition = alltrue([
      for profile in var.application_profiles : length(setintersection(keys(profile.tags), ["Project", "Environment", "ManagedBy"])) == 0
    ])
    error_message = "application_profiles[*].tags must not set Project, Environment or ManagedBy."
  }
}

variable "application_profile_creation_enabled" {
  description = "Whether the router may create application inference profiles, and so call every one of this account and region."
  type        = bool
  default     = false
  nullable    = false
}

variable "async_output" {
  description = "Where asynchronous invocations may write their results; null means that there are no asynchronous invocations."
  type = object({
    s3_prefixes  = set(string)               # such as s3://bucket/results/
    kms_key_arns = optional(set(string), []) # keys the buckets encrypt with, other than S3's own
  })
  default = null

  validation {
    condition = var.async_output == null || try(length(var.async_output.s3_prefixes) > 0 && alltrue([
      for prefix in var.async_output.s3_prefixes : can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.()-]+)*/$", prefix))
    ]), false)
    error_message = "async_output.s3_prefixes must hold at least one place such as s3://bucket/ or s3://bucket/results/, with a slash at its end and without wildcards."
  }

  validation {
    condition = var.async_output == null || try(alltrue([
      for arn in var.async_output.kms_key_arns : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))
    ]), false)
    error_message = "async_output.kms_key_arns must hold ARNs of KMS keys of the Commercial partition, not aliases."
  }
}

variable "invocation_logging" {
  description = "Bedrock's own log of every call in this account and region; null leaves the account's setting alone."
  type = object({
    destinations             = optional(set(string), ["cloudwatch"])
    content_delivery_enabled = optional(bool, false) # true stores prompts and answers
    retention_days           = optional(number, 365)
    deletion_protection      = optional(bool, true)
    access_log_bucket        = optional(string) # for the access log of the S3 destination
  })
  default = null

  validation {
    condition = var.invocation_logging == null || try(
      length(var.invocation_logging.destinations) > 0 && length(setsubtract(var.invocation_logging.destinations, ["cloudwatch", "s3"])) == 0, false,
    )
    error_message = "invocation_logging.destinations must hold cloudwatch, s3 or both."
  }

  validation {
    condition = var.invocation_logging == null || try(contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.invocation_logging.retention_days,
    ), false)
    error_message = "invocation_logging.retention_days must be a retention CloudWatch Logs offers, such as 30, 90, 365 or 3653."
  }

  validation {
    condition = try(var.invocation_logging.access_log_bucket, null) == null || (
      try(contains(var.invocation_logging.destinations, "s3"), false) &&
      can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.invocation_logging.access_log_bucket))
    )
    error_message = "invocation_logging.access_log_bucket must be the name of a bucket, and needs s3 among the destinations."
  }
}
