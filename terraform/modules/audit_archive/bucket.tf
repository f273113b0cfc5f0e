data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  # Built from the name, which is known before the bucket exists, so that a first plan shows the policy.
  bucket_arn = "arn:${local.partition}:s3:::${aws_s3_bucket.this.bucket}"
}

# The journal of the audit trail. Object Lock also keeps versioning on for good.
resource "aws_s3_bucket" "this" {
  bucket              = "${var.name}-audit-${local.account_id}-${data.aws_region.current.name}"
  object_lock_enabled = true
  force_destroy       = !var.deletion_protection

  # What S3 refuses to delete is worth nothing once its key is gone: the key goes last, and stays where the bucket does.
  depends_on = [aws_kms_key.this]
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    default_retention {
      mode = var.retention.mode
      days = var.retention.days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "archive"
    status = "Enabled"

    filter {}

    dynamic "transition" {
      for_each = var.cold_storage_after_days == 0 ? [] : [var.cold_storage_after_days]

      content {
        days          = transition.value
        storage_class = "GLACIER_IR"
      }
    }

    dynamic "expiration" {
      for_each = var.expire_after_days[*]

      content {
        days = expiration.value
      }
    }

    # Expiry hides an object, and this deletes it, the day after. Without an expiration nothing goes.
    dynamic "noncurrent_version_expiration" {
      for_each = var.expire_after_days[*]

      content {
        noncurrent_days = 1
      }
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # What hid it goes last: a marker that stays would look like somebody's. S3 takes this in no rule that has days.
  dynamic "rule" {
    for_each = var.expire_after_days[*]

    content {
      id     = "markers"
      status = "Enabled"

      filter {}

      expiration {
        expired_object_delete_marker = true
      }
    }
  }

  # Rules about versions need versions.
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.this.arn
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# A rule in EventBridge can watch for changes; without one nothing is sent.
resource "aws_s3_bucket_notification" "this" {
  bucket      = aws_s3_bucket.this.id
  eventbridge = true
}

# Who read or wrote the archive, by object. A bucket with Object Lock cannot take such a log itself.
resource "aws_s3_bucket_logging" "this" {
  count = var.access_log_bucket == null ? 0 : 1

  bucket        = aws_s3_bucket.this.id
  target_bucket = var.access_log_bucket
  target_prefix = "${aws_s3_bucket.this.bucket}/"
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = data.aws_iam_policy_document.bucket.json

  # S3 refuses one of two changes to a bucket's access that arrive at the same time.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "DenyWithoutTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket_arn, "${local.bucket_arn}/*"]

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

  # The lock keeps the versions there are; that none gets another on top of it, for nobody, is this statement's matter.
  statement {
    sid       = "DenyWritingOver"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Null"
      variable = "s3:if-none-match"
      values   = ["true"]
    }
  }

  # Behind a delete marker a key counts as free. A version is deleted by s3:DeleteObjectVersion, which the lock refuses; S3's own
  # lifecycle asks no policy.
  statement {
    sid       = "DenyHiding"
    effect    = "Deny"
    actions   = ["s3:DeleteObject"]
    resources = ["${local.bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  # Writers stop before an object that is none of theirs, and nobody can delete it. `aws:PrincipalArn` of a role's session is
  # the role's ARN.
  statement {
    sid       = "DenyOtherWriters"
    effect    = "Deny"
    actions   = ["s3:PutObject"]
    resources = ["${local.bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = var.writer_role_arns
    }
  }
}
