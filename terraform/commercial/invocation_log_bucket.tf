resource "aws_s3_bucket" "model_invocations" {
  count = local.log_to_s3 ? 1 : 0

  bucket = local.log_bucket_name
  # Bedrock leaves objects there from the first moment, to try its permissions, so an unused bucket is not empty either.
  force_destroy = !var.invocation_logging.deletion_protection
}

resource "aws_s3_bucket_versioning" "model_invocations" {
  count = local.log_to_s3 ? 1 : 0

  bucket = aws_s3_bucket.model_invocations[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "model_invocations" {
  count = local.log_to_s3 ? 1 : 0

  bucket = aws_s3_bucket.model_invocations[0].id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    expiration {
      days = var.invocation_logging.retention_days
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # Rules about versions need versions.
  depends_on = [aws_s3_bucket_versioning.model_invocations]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "model_invocations" {
  count = local.log_to_s3 ? 1 : 0

  bucket = aws_s3_bucket.model_invocations[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.logs[0].arn
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "model_invocations" {
  count = local.log_to_s3 ? 1 : 0

  bucket = aws_s3_bucket.model_invocations[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "model_invocations" {
  count = local.log_to_s3 ? 1 : 0

  bucket                  = aws_s3_bucket.model_invocations[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# New records can start something by a rule in EventBridge; without a rule nothing is sent.
resource "aws_s3_bucket_notification" "model_invocations" {
  count = local.log_to_s3 ? 1 : 0

  bucket      = aws_s3_bucket.model_invocations[0].id
  eventbridge = true
}

# Who read the log, where the account has a bucket for access logs.
resource "aws_s3_bucket_logging" "model_invocations" {
  count = local.log_to_s3 && try(var.invocation_logging.access_log_bucket, null) != null ? 1 : 0

  bucket        = aws_s3_bucket.model_invocations[0].id
  target_bucket = var.invocation_logging.access_log_bucket
  target_prefix = "model-logs-${var.environment}/"
}

resource "aws_s3_bucket_policy" "model_invocations" {
  count = local.log_to_s3 ? 1 : 0

  bucket = aws_s3_bucket.model_invocations[0].id
  policy = data.aws_iam_policy_document.log_bucket.json

  # S3 refuses one of two changes to a bucket's access that arrive at the same time.
  depends_on = [aws_s3_bucket_public_access_block.model_invocations]
}

data "aws_iam_policy_document" "log_bucket" {
  statement {
    sid       = "WriteModelInvocations"
    actions   = ["s3:PutObject"]
    resources = ["arn:aws:s3:::${local.log_bucket_name}/AWSLogs/${local.account_id}/BedrockModelInvocationLogs/*"]

    principals {
      type        = "Service"
      identifiers = ["bedrock.amazonaws.com"]
    }

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

  statement {
    sid       = "DenyWithoutTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["arn:aws:s3:::${local.log_bucket_name}", "arn:aws:s3:::${local.log_bucket_name}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
