variable "vpc_id" {
  description = "The VPC."
  type        = string
  nullable    = false
}

variable "subnet_ids" {
  description = "Private subnets with a route to the internet, by NAT or through a firewall: Commercial Bedrock has public addresses."
  type        = set(string)
  nullable    = false
}

variable "route_table_ids" {
  description = "Route tables of these subnets; the gateway endpoint of DynamoDB is entered there."
  type        = set(string)
  nullable    = false
}

variable "artifact" {
  description = "The router: a zip that scripts/package.py built, in a bucket of the account."
  type = object({
    bucket = string
    key    = string
  })
  nullable = false
}
