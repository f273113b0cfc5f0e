data "aws_partition" "current" {}

# The partition is a fact of this root, so its ARNs are literal `arn:aws:`; elsewhere it must not even plan.
data "aws_caller_identity" "current" {
  lifecycle {
    precondition {
      condition     = data.aws_partition.current.partition == "aws"
      error_message = "These credentials belong to partition ${data.aws_partition.current.partition}, but this root is for the Commercial account (partition aws). Set AWS_PROFILE to a profile of that account; infrastructure and application are the roots of the GovCloud account."
    }
  }
}

locals {
  name       = "${var.name_prefix}-${var.environment}"
  account_id = data.aws_caller_identity.current.account_id

  # IAM is global within an account, so names there carry the region.
  iam_name = "${local.name}-bedrock-${var.region}"

  tags = merge(var.tags, {
    Project     = var.name_prefix
    Environment = var.environment
    ManagedBy   = "terraform"
  })
}
