variable "name" {
  description = "First part of every name, such as `cross-partition-dev`."
  type        = string
  nullable    = false

  # The role's name adds a suffix and the region in 64 characters; Network Firewall takes no double hyphen.
  validation {
    condition     = length(var.name) <= 32 && can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name))
    error_message = "name must be 1 to 32 lowercase letters, digits and single hyphens, start with a letter and not end in a hyphen."
  }
}

variable "new_vpc" {
  description = "A VPC of its own, `{}` for one with the defaults; null builds none."
  type = object({
    cidr_block         = optional(string, "10.0.0.0/22")
    availability_zones = optional(list(string))
    nat_gateways       = optional(string, "per_zone")
    endpoints          = optional(set(string), ["dynamodb", "kms", "logs", "secretsmanager", "sts"])
    firewall = optional(object({
      commercial_regions  = optional(set(string), ["us-east-1", "us-east-2", "us-west-2"])
      allowed_hosts       = optional(set(string))
      default_action      = optional(string, "drop_established")
      deletion_protection = optional(bool, true)
    }))
  })
  default = null

  validation {
    condition     = var.new_vpc == null || var.existing_vpc == null
    error_message = "new_vpc and existing_vpc exclude each other: set one of them to null, or both for a function outside a VPC."
  }

  # A quarter of the block per zone, and a quarter of that for the smallest subnet, which AWS limits to /28.
  validation {
    condition = var.new_vpc == null ? true : (
      can(regex("^[0-9.]+/(1[6-9]|2[0-4])$", var.new_vpc.cidr_block)) && !can(regex("^(0|127|169\\.254|22[4-9]|2[3-5][0-9])\\.", var.new_vpc.cidr_block)) && try(cidrsubnet(var.new_vpc.cidr_block, 0, 0) == var.new_vpc.cidr_block, false)
    )
    error_message = "new_vpc.cidr_block must be an IPv4 network of /16 to /24 whose host bits are zero, such as 10.0.0.0/22, and none that is reserved."
  }

  validation {
    condition = try(var.new_vpc.availability_zones, null) == null ? true : (
      length(var.new_vpc.availability_zones) >= 1 &&
      length(var.new_vpc.availability_zones) <= 4 &&
      length(distinct(var.new_vpc.availability_zones)) == length(var.new_vpc.availability_zones) &&
      alltrue([for zone in var.new_vpc.availability_zones : can(regex("^[a-z]+(-[a-z]+)+-[0-9][a-z]$", zone))])
    )
    error_message = "new_vpc.availability_zones must be null or name one to four different zones, such as us-gov-west-1a."
  }

  validation {
    condition     = var.new_vpc == null ? true : contains(["per_zone", "one"], var.new_vpc.nat_gateways)
    error_message = "new_vpc.nat_gateways must be per_zone or one."
  }

  validation {
    condition     = var.new_vpc == null ? true : length(setsubtract(var.new_vpc.endpoints, ["bedrock-runtime", "dynamodb", "kms", "logs", "s3", "secretsmanager", "sts"])) == 0
    error_message = "new_vpc.endpoints must be a subset of bedrock-runtime, dynamodb, kms, logs, s3, secretsmanager and sts."
  }

  validation {
    condition = try(var.new_vpc.firewall, null) == null ? true : (
      length(var.new_vpc.firewall.commercial_regions) > 0 &&
      length(setsubtract(var.new_vpc.firewall.commercial_regions, ["us-east-1", "us-east-2", "us-west-2", "ca-central-1"])) == 0
    )
    error_message = "new_vpc.firewall.commercial_regions must be some of us-east-1, us-east-2, us-west-2 and ca-central-1: only these have FIPS endpoints of Amazon Bedrock."
  }

  validation {
    condition = try(var.new_vpc.firewall.allowed_hosts, null) == null ? true : (
      length(var.new_vpc.firewall.allowed_hosts) >= 1 &&
      length(var.new_vpc.firewall.allowed_hosts) <= 100 &&
      alltrue([for host in var.new_vpc.firewall.allowed_hosts : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", host))])
    )
    error_message = "new_vpc.firewall.allowed_hosts must be null or 1 to 100 exact host names in lowercase: a leading dot or a * would open whole domains, and addresses have no SNI."
  }

  validation {
    condition     = try(var.new_vpc.firewall, null) == null ? true : contains(["drop_established", "drop_established_app_layer"], var.new_vpc.firewall.default_action)
    error_message = "new_vpc.firewall.default_action must be drop_established or drop_established_app_layer."
  }
}

variable "existing_vpc" {
  description = "Subnets that others provide with a way out, and the endpoints to add to their VPC; null uses none."
  type = object({
    vpc_id          = string
    subnet_ids      = set(string)
    endpoints       = optional(set(string), [])
    route_table_ids = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.existing_vpc == null ? true : can(regex("^vpc-[0-9a-f]+$", var.existing_vpc.vpc_id))
    error_message = "existing_vpc.vpc_id must be the id of a VPC, such as vpc-0123456789abcdef0."
  }

  validation {
    condition = var.existing_vpc == null ? true : (
      try(length(var.existing_vpc.subnet_ids) > 0 && alltrue([for id in var.existing_vpc.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))]), false)
    )
    error_message = "existing_vpc.subnet_ids must hold at least one subnet id, such as subnet-0123456789abcdef0."
  }

  validation {
    condition     = var.existing_vpc == null ? true : length(setsubtract(var.existing_vpc.endpoints, ["bedrock-runtime", "dynamodb", "kms", "logs", "s3", "secretsmanager", "sts"])) == 0
    error_message = "existing_vpc.endpoints must be a subset of bedrock-runtime, dynamodb, kms, logs, s3, secretsmanager and sts."
  }

  validation {
    condition = var.existing_vpc == null ? true : (
      length(setintersection(var.existing_vpc.endpoints, ["dynamodb", "s3"])) > 0 == (length(var.existing_vpc.route_table_ids) > 0)
    )
    error_message = "existing_vpc.route_table_ids is for the endpoints dynamodb and s3 and needed by them: set both or neither."
  }

  validation {
    condition     = var.existing_vpc == null ? true : alltrue([for id in var.existing_vpc.route_table_ids : can(regex("^rtb-[0-9a-f]+$", id))])
    error_message = "existing_vpc.route_table_ids must be ids of route tables, such as rtb-0123456789abcdef0."
  }
}

variable "use_fips_endpoint" {
  description = "Whether the function calls FIPS hosts of GovCloud's services; the endpoints must answer for the same hosts."
  type        = bool
  default     = true
  nullable    = false
}

variable "kms_key_arn" {
  description = "Customer managed KMS key of the logs and the firewall, needed with new_vpc; its policy must let CloudWatch Logs use it."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }

  validation {
    condition     = var.new_vpc == null || var.kms_key_arn != null
    error_message = "kms_key_arn is needed with new_vpc: flow logs are always encrypted."
  }
}

variable "execution_role_name" {
  description = "Role of the function, which Lambda needs to remove the function's network interfaces: it is destroyed after the security group. Null orders nothing."
  type        = string
  default     = null

  validation {
    condition     = var.execution_role_name == null || can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.execution_role_name))
    error_message = "execution_role_name must be null or the name of an IAM role, without a path."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the flow log's role; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[^*]+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be null or the ARN of an IAM policy."
  }
}

variable "log_retention_days" {
  description = "How long CloudWatch keeps the flow logs of a new VPC and the logs of its firewall."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a retention CloudWatch Logs offers, such as 30, 90, 365 or 3653."
  }
}
