# Releases are uploaded here as router/<sha256>.zip; the application root takes one of them into service.
resource "aws_s3_bucket" "artifacts" {
  bucket        = "${local.name}-artifacts-${local.account_id}-${var.region}"
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_versioning" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# An upload can start a release pipeline by a rule in EventBridge; without a rule nothing is sent.
resource "aws_s3_bucket_notification" "artifacts" {
  bucket      = aws_s3_bucket.artifacts.id
  eventbridge = true
}

resource "aws_s3_bucket_logging" "artifacts" {
  count = var.artifact_access_logging ? 1 : 0

  bucket        = aws_s3_bucket.artifacts.id
  target_bucket = local.access_log_bucket
  target_prefix = "artifacts-${var.environment}/"
}

resource "aws_s3_bucket_policy" "artifacts" {
  bucket = aws_s3_bucket.artifacts.id
  policy = data.aws_iam_policy_document.artifacts.json

  # S3 refuses one of two changes to a bucket's access that arrive at the same time.
  depends_on = [aws_s3_bucket_public_access_block.artifacts]
}

locals {
  # The bootstrap root's, whose name both roots derive from the same three parts.
  access_log_bucket = "${var.name_prefix}-access-logs-${local.account_id}-${var.region}"

  # Built from the name, which is known before the bucket exists, so that a first plan shows the policy.
  artifact_bucket_arn = "arn:${local.partition}:s3:::${aws_s3_bucket.artifacts.bucket}"
}

data "aws_iam_policy_document" "artifacts" {
  statement {
    sid       = "DenyWithoutTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.artifact_bucket_arn, "${local.artifact_bucket_arn}/*"]

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
