variable "name" {
  description = "Name of the REST API; its access log, and the web ACL with its log, are named after it."
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
    condition     = var.integration_timeout_seconds >= 1 && var.integration_timeout_seconds <= 300 && floor(var.integration_timeout_seconds) == var.integration_timeout_seconds
    error_message = "integration_timeout_seconds must be a whole number between 1 and 300."
  }
}

variable "throttling" {
  description = <<-EOT
    Requests per second, and the burst above it, that the stage accepts in all. `routes` gives single operations limits of
    their own, under names such as "POST /bedrock/invoke-model".
  EOT
  type = object({
    rate_per_second = optional(number, 50)
    burst           = optional(number, 100)
    routes = optional(map(object({
      rate_per_second = number
      burst           = number
    })), {})
  })
  default  = {}
  nullable = false

  validation {
    condition = alltrue([
      for limit in concat([var.throttling], values(var.throttling.routes)) :
      try(limit.rate_per_second > 0 && limit.burst > 0 && limit.burst <= 100000 && floor(limit.burst) == limit.burst, false)
    ])
    error_message = "throttling: every rate_per_second must be greater than 0, and every burst a whole number from 1 to 100000."
  }

  validation {
    condition     = length(setsubtract(keys(var.throttling.routes), keys(local.operations))) == 0
    error_message = "throttling.routes has a key that is no operation of the API. There are: ${join(", ", keys(local.operations))}."
  }
}

variable "endpoint" {
  description = <<-EOT
    How the API is reached: REGIONAL from the internet, or PRIVATE from the VPC endpoints (of execute-api) listed in
    `vpc_endpoint_ids`, each of which gets a DNS name for the API.
  EOT
  type = object({
    type             = optional(string, "REGIONAL")
    vpc_endpoint_ids = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["REGIONAL", "PRIVATE"], var.endpoint.type)
    error_message = "endpoint.type must be REGIONAL or PRIVATE."
  }

  validation {
    condition     = alltrue([for id in var.endpoint.vpc_endpoint_ids : can(regex("^vpce-[0-9a-f]{8,17}$", id))])
    error_message = "endpoint.vpc_endpoint_ids must be ids of VPC endpoints, such as vpce-0123456789abcdef0."
  }

  validation {
    condition     = (var.endpoint.type == "PRIVATE") == (length(var.endpoint.vpc_endpoint_ids) > 0)
    error_message = "endpoint.vpc_endpoint_ids: a PRIVATE endpoint needs at least one, a REGIONAL endpoint has none."
  }
}

variable "access" {
  description = <<-EOT
    Who may reach the API beside what IAM policies say; empty is everybody in this account whom an IAM policy allows it.
    `account_ids` and `organization_id` let other accounts in, where the caller needs an IAM policy too. `source_cidrs`
    are the only addresses calls may come from: public ones of a REGIONAL endpoint, those within the VPC of a PRIVATE one.
    `vpc_endpoint_ids` are further VPC endpoints, such as another account's, that may call a PRIVATE endpoint.
  EOT
  type = object({
    account_ids      = optional(set(string), [])
    organization_id  = optional(string)
    source_cidrs     = optional(set(string), [])
    vpc_endpoint_ids = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for id in var.access.account_ids : can(regex("^[0-9]{12}$", id))])
    error_message = "access.account_ids must be account ids of 12 digits."
  }

  validation {
    condition     = var.access.organization_id == null || can(regex("^o-[a-z0-9]{10,32}$", var.access.organization_id))
    error_message = "access.organization_id must be the id of an organization, such as o-a1b2c3d4e5."
  }

  validation {
    condition     = alltrue([for cidr in var.access.source_cidrs : can(cidrhost(cidr, 0)) && !endswith(cidr, "/0")])
    error_message = "access.source_cidrs must be CIDR blocks such as 198.51.100.0/24; leave it empty to allow every address."
  }

  validation {
    condition     = alltrue([for id in var.access.vpc_endpoint_ids : can(regex("^vpce-[0-9a-f]{8,17}$", id))])
    error_message = "access.vpc_endpoint_ids must be ids of VPC endpoints, such as vpce-0123456789abcdef0."
  }

  validation {
    condition     = length(var.access.vpc_endpoint_ids) == 0 || var.endpoint.type == "PRIVATE"
    error_message = "access.vpc_endpoint_ids needs a PRIVATE endpoint: no call of a REGIONAL one comes from a VPC endpoint."
  }
}

variable "domain" {
  description = <<-EOT
    Custom domain name that leads to the stage, with a certificate of ACM in this region; null for none.
    `default_endpoint_enabled = false` leaves the domain as the only way in, and `truststore` (a PEM file in S3) makes
    callers present a client certificate. `ownership_verification_certificate_arn` is needed with a truststore where the
    certificate was imported or issued by a private CA.
  EOT
  type = object({
    name                                   = string
    certificate_arn                        = string
    default_endpoint_enabled               = optional(bool, true)
    ownership_verification_certificate_arn = optional(string)
    truststore = optional(object({
      uri     = string
      version = optional(string)
    }))
  })
  default = null

  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain.name))
    error_message = "domain.name must be a domain name in lower case, such as inference.example.gov."
  }

  validation {
    condition = var.domain == null || alltrue([
      for arn in try(concat([var.domain.certificate_arn], var.domain.ownership_verification_certificate_arn[*]), []) :
      can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]+$", arn))
    ])
    error_message = "domain.certificate_arn and domain.ownership_verification_certificate_arn must be ARNs of certificates in ACM."
  }

  validation {
    condition     = try(var.domain.truststore.uri, null) == null || can(regex("^s3://[a-z0-9.-]{3,63}/.+$", var.domain.truststore.uri))
    error_message = "domain.truststore.uri must be the S3 URI of a PEM file, such as s3://bucket/truststore.pem."
  }

  validation {
    condition     = try(var.domain.truststore, null) == null || !try(var.domain.default_endpoint_enabled, true)
    error_message = "domain.truststore needs default_endpoint_enabled = false: the default endpoint asks for no client certificate."
  }

  validation {
    condition     = var.domain == null || var.endpoint.type == "REGIONAL"
    error_message = "domain needs a REGIONAL endpoint."
  }
}

variable "waf" {
  description = <<-EOT
    Web ACL of AWS WAF in front of the stage; null for none. With `existing_web_acl` that one; without, one that blocks
    addresses of bad reputation and those that send more than `requests_per_ip` requests in five minutes, with a log of
    what it saw unless `log_enabled` is false. GovCloud: no export-controlled data may pass AWS WAF, see the README.
  EOT
  type = object({
    existing_web_acl = optional(object({
      arn = string
    }))
    requests_per_ip = optional(number, 15000)
    log_enabled     = optional(bool, true)
  })
  default = null

  validation {
    condition     = try(var.waf.existing_web_acl, null) == null || can(regex("^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:[0-9]{12}:regional/webacl/[^/]+/[^/]+$", var.waf.existing_web_acl.arn))
    error_message = "waf.existing_web_acl.arn must be the ARN of a regional web ACL of WAFv2."
  }

  validation {
    condition = var.waf == null || try(
      var.waf.requests_per_ip >= 10 && var.waf.requests_per_ip <= 2000000000 && floor(var.waf.requests_per_ip) == var.waf.requests_per_ip, false
    )
    error_message = "waf.requests_per_ip must be a whole number between 10 and 2000000000."
  }
}

variable "tracing_enabled" {
  description = "Whether X-Ray traces a sample of the requests: path and query, status, times and address of the caller."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the access log, the execution log and the log of the web ACL."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a retention CloudWatch Logs offers, such as 30, 90, 365 or 3653."
  }
}

variable "kms_key_arn" {
  description = "Customer managed KMS key that encrypts the logs; its policy must let CloudWatch Logs use it for each of them."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}
