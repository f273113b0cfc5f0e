variable "environment" {
  description = "Name of the environment, such as dev or prod; several can share an account."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment)) && var.environment != "tfstate"
    error_message = "environment must be 2 to 10 lowercase letters and digits, start with a letter, and not be tfstate, which names the state's key."
  }
}

variable "region" {
  description = "GovCloud region everything is created in."
  type        = string
  default     = "us-gov-west-1"
  nullable    = false

  validation {
    condition     = can(regex("^us-gov-(west|east)-1$", var.region))
    error_message = "region must be us-gov-west-1 or us-gov-east-1."
  }
}

variable "name_prefix" {
  description = "First part of every resource's name."
  type        = string
  default     = "cross-partition"
  nullable    = false

  # The artifact bucket's name holds prefix, environment, account and region in 63 characters.
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

variable "audit_retention_days" {
  description = "After how many days an audit record expires."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.audit_retention_days >= 1 && var.audit_retention_days <= 3653 && floor(var.audit_retention_days) == var.audit_retention_days
    error_message = "audit_retention_days must be a whole number between 1 and 3653."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps each log of the environment."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a retention CloudWatch Logs offers, such as 30, 90, 365 or 3653."
  }
}

variable "integration_timeout_seconds" {
  description = "How long API Gateway waits for an answer. More than 29 needs a raised account quota."
  type        = number
  default     = 29
  nullable    = false

  validation {
    condition     = var.integration_timeout_seconds >= 5 && var.integration_timeout_seconds <= 300 && floor(var.integration_timeout_seconds) == var.integration_timeout_seconds
    error_message = "integration_timeout_seconds must be a whole number between 5 and 300."
  }
}

variable "credential" {
  description = "How the router proves itself to the Commercial account: `api_key` or `aws_keys` from the secret, or `federation`, which stores none."
  type = object({
    mode = optional(string, "api_key")

    # May be set before its mode is chosen, and then grants nothing.
    federation = optional(object({
      role_arn = string
      audience = optional(string, "cross-partition-inference")
    }))
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["api_key", "aws_keys", "federation"], var.credential.mode)
    error_message = "credential.mode must be api_key, aws_keys or federation."
  }

  validation {
    condition     = var.credential.mode != "federation" || var.credential.federation != null
    error_message = "credential.federation must be set where credential.mode is federation: role_arn is the output federation_role_arn of terraform/commercial."
  }

  # The partition is Commercial's, not this one.
  validation {
    condition     = var.credential.federation == null ? true : can(regex("^arn:aws:iam::[0-9]{12}:role/([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,64}$", var.credential.federation.role_arn))
    error_message = "credential.federation.role_arn must be the ARN of an IAM role of the Commercial partition: arn:aws:iam::<account>:role/..."
  }

  validation {
    condition     = var.credential.federation == null ? true : can(regex("^[A-Za-z0-9._:/-]{1,255}$", var.credential.federation.audience))
    error_message = "credential.federation.audience must be 1 to 255 letters, digits or characters of ._:/- and the audience of terraform/commercial."
  }
}

variable "retained_credential_modes" {
  description = "Modes that the release in service still uses, whose permissions and secret stay beside the chosen one's. The deployment scripts set it."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(setsubtract(var.retained_credential_modes, ["api_key", "aws_keys", "federation"])) == 0
    error_message = "retained_credential_modes must hold some of api_key, aws_keys and federation."
  }

  validation {
    condition     = !contains(var.retained_credential_modes, "federation") || var.credential.federation != null
    error_message = "retained_credential_modes may hold federation only where credential.federation is set: leave it in place until the new mode is in service."
  }
}

# What follows goes to the modules as it is: they describe the fields, have the defaults and check the values.

variable "throttling" {
  description = "Requests per second, and the burst above it, from all callers together; `routes` for single operations (modules/api_gateway)."
  type = object({
    rate_per_second = optional(number)
    burst           = optional(number)
    routes = optional(map(object({
      rate_per_second = number
      burst           = number
    })))
  })
  default  = {}
  nullable = false
}

variable "api" {
  description = "How the API is reached and by whom, its domain, its web ACL: fields of modules/api_gateway. `{}` is a regional API for this account."
  type = object({
    endpoint = optional(object({
      type             = optional(string)
      vpc_endpoint_ids = optional(set(string))
    }), {})
    access = optional(object({
      account_ids      = optional(set(string))
      organization_id  = optional(string)
      source_cidrs     = optional(set(string))
      vpc_endpoint_ids = optional(set(string))
    }), {})
    domain = optional(object({
      name                                   = string
      certificate_arn                        = string
      default_endpoint_enabled               = optional(bool)
      ownership_verification_certificate_arn = optional(string)
      truststore = optional(object({
        uri     = string
        version = optional(string)
      }))
    }))
    waf = optional(object({
      existing_web_acl = optional(object({
        arn = string
      }))
      requests_per_ip = optional(number)
      log_enabled     = optional(bool)
    }))
  })
  default  = {}
  nullable = false
}

variable "egress" {
  description = "The function's way out: `{}` outside a VPC, `{ new_vpc = {} }` through a VPC of its own, `{ existing_vpc = {...} }` (modules/vpc_egress)."
  type = object({
    new_vpc = optional(object({
      cidr_block         = optional(string)
      availability_zones = optional(list(string))
      nat_gateways       = optional(string)
      endpoints          = optional(set(string))
      firewall = optional(object({
        commercial_regions  = optional(set(string))
        allowed_hosts       = optional(set(string))
        default_action      = optional(string)
        deletion_protection = optional(bool)
      }))
    }))
    existing_vpc = optional(object({
      vpc_id          = string
      subnet_ids      = set(string)
      endpoints       = optional(set(string))
      route_table_ids = optional(set(string))
    }))
  })
  default  = {}
  nullable = false
}

variable "guardrail_arn" {
  description = "Guardrail of this region that the policy's `guardrails.before_egress` names, which the router may then use; null for none (modules/iam)."
  type        = string
  default     = null

  validation {
    condition     = var.guardrail_arn == null ? true : try(split(":", var.guardrail_arn)[3], "") == var.region
    error_message = "guardrail_arn must be a guardrail of `region`: the router asks this region's Bedrock."
  }

  # A firewall never lets the host of this region's Bedrock pass (modules/vpc_egress).
  validation {
    condition     = var.guardrail_arn == null || try(var.egress.new_vpc.firewall, null) == null || contains(try(coalesce(var.egress.new_vpc.endpoints), []), "bedrock-runtime")
    error_message = "guardrail_arn behind a firewall needs bedrock-runtime among egress.new_vpc.endpoints: the guardrail is not asked through the NAT gateway."
  }
}

variable "audit_archive" {
  description = "Archives audit records in a bucket with Object Lock, `{}` for 913 days that nobody can shorten; null for none (modules/audit_archive)."
  type = object({
    retention = optional(object({
      mode = optional(string)
      days = optional(number)
    }), {})
    cold_storage_after_days = optional(number)
    expire_after_days       = optional(number)

    # How long changes are gathered before they are written: the more in an object, the fewer there are.
    batching_window_seconds = optional(number, 60)
  })
  default = null

  validation {
    condition     = var.audit_archive == null ? true : var.audit_archive.batching_window_seconds >= 0 && var.audit_archive.batching_window_seconds <= 300 && floor(var.audit_archive.batching_window_seconds) == var.audit_archive.batching_window_seconds
    error_message = "audit_archive.batching_window_seconds must be a whole number between 0 and 300."
  }

  # A firewall never lets S3's hosts pass (modules/vpc_egress).
  validation {
    condition     = var.audit_archive == null || try(var.egress.new_vpc.firewall, null) == null || contains(try(coalesce(var.egress.new_vpc.endpoints), []), "s3")
    error_message = "audit_archive behind a firewall needs s3 among egress.new_vpc.endpoints: the archive is not written through the NAT gateway."
  }
}

variable "caller_policies" {
  description = "Policies for callers: `models` has a name and model ids for each policy that allows these only; `create` makes managed policies of all (modules/iam)."
  type = object({
    models = optional(map(set(string)), {})
    create = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "alarms" {
  description = "Who gets the alarms by e-mail, how often the router's scheduled check runs, and from where on alarms fire (modules/observability)."
  type = object({
    notification_emails    = optional(set(string), [])
    watch_interval_minutes = optional(number, 5)
    thresholds = optional(object({
      minimum_requests       = optional(number)
      error_rate_percent     = optional(number)
      p99_latency_ms         = optional(number)
      denied_crossings       = optional(number)
      function_errors        = optional(number)
      function_throttles     = optional(number)
      audit_table_throttles  = optional(number)
      credential_expiry_days = optional(number)
    }), {})
  })
  default  = {}
  nullable = false
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of every role made here; null for none."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether the tables and filled buckets refuse to be destroyed; what the audit archive locks, S3 keeps in any case."
  type        = bool
  default     = true
  nullable    = false
}

variable "artifact_access_logging" {
  description = "Whether S3 logs who used the artifact bucket and the audit archive, into the bucket that the bootstrap root made; false where that root is not used."
  type        = bool
  default     = true
  nullable    = false
}

variable "secret_recovery_window_days" {
  description = "Days in which the deleted credential secret can be restored; 0 deletes at once."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.secret_recovery_window_days == 0 || (var.secret_recovery_window_days >= 7 && var.secret_recovery_window_days <= 30 && floor(var.secret_recovery_window_days) == var.secret_recovery_window_days)
    error_message = "secret_recovery_window_days must be 0 or a whole number between 7 and 30."
  }
}
