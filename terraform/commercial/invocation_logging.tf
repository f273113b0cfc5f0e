# Bedrock's own log of every call in this account and region, whoever makes it. One setting per account and region.
locals {
  logging_enabled   = var.invocation_logging != null
  log_to_cloudwatch = local.logging_enabled && try(contains(var.invocation_logging.destinations, "cloudwatch"), false)
  log_to_s3         = local.logging_enabled && try(contains(var.invocation_logging.destinations, "s3"), false)

  log_group_name  = "/aws/bedrock/${local.name}"
  log_bucket_name = "${local.name}-model-logs-${local.account_id}-${var.region}"
  bedrock_arns    = "arn:aws:bedrock:${var.region}:${local.account_id}:*"
}

resource "aws_bedrock_model_invocation_logging_configuration" "this" {
  count = local.logging_enabled ? 1 : 0

  logging_config {
    # The provider's defaults are true: without these lines prompts and answers would be stored.
    text_data_delivery_enabled      = var.invocation_logging.content_delivery_enabled
    image_data_delivery_enabled     = var.invocation_logging.content_delivery_enabled
    embedding_data_delivery_enabled = var.invocation_logging.content_delivery_enabled
    video_data_delivery_enabled     = var.invocation_logging.content_delivery_enabled

    dynamic "cloudwatch_config" {
      for_each = aws_cloudwatch_log_group.model_invocations[*].name

      content {
        log_group_name = cloudwatch_config.value
        role_arn       = aws_iam_role.invocation_logging[0].arn

        # Content above 100 KB does not fit into a log event.
        dynamic "large_data_delivery_s3_config" {
          for_each = var.invocation_logging.content_delivery_enabled ? aws_s3_bucket.model_invocations[*].bucket : []

          content {
            bucket_name = large_data_delivery_s3_config.value
          }
        }
      }
    }

    dynamic "s3_config" {
      for_each = aws_s3_bucket.model_invocations[*].bucket

      content {
        bucket_name = s3_config.value
      }
    }
  }

  # Bedrock tries to write to both before it accepts the configuration.
  depends_on = [
    aws_iam_role_policy.invocation_logging,
    aws_s3_bucket_ownership_controls.model_invocations,
    aws_s3_bucket_policy.model_invocations,
    aws_s3_bucket_server_side_encryption_configuration.model_invocations,
  ]
}

resource "aws_cloudwatch_log_group" "model_invocations" {
  count = local.log_to_cloudwatch ? 1 : 0

  name              = local.log_group_name
  retention_in_days = var.invocation_logging.retention_days
  kms_key_id        = aws_kms_key.logs[0].arn
}

resource "aws_iam_role" "invocation_logging" {
  count = local.log_to_cloudwatch ? 1 : 0

  name                 = "${local.iam_name}-logs"
  description          = "Lets Amazon Bedrock write the model invocation log of ${var.region}"
  assume_role_policy   = data.aws_iam_policy_document.invocation_logging_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "invocation_logging_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["bedrock.amazonaws.com"]
    }

    # Bedrock works for every account; it may take this role for this one only.
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [local.bedrock_arns]
    }
  }
}

resource "aws_iam_role_policy" "invocation_logging" {
  count = local.log_to_cloudwatch ? 1 : 0

  name   = "write-log"
  role   = aws_iam_role.invocation_logging[0].id
  policy = data.aws_iam_policy_document.invocation_logging.json
}

data "aws_iam_policy_document" "invocation_logging" {
  statement {
    sid       = "WriteModelInvocations"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["arn:aws:logs:${var.region}:${local.account_id}:log-group:${local.log_group_name}:log-stream:aws/bedrock/modelinvocations"]
  }
}
