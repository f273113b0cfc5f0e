# For whoever answers for the trail: read it, and prove the archive. It changes nothing, and cannot unlock an object.

data "aws_iam_policy_document" "audit" {
  statement {
    sid       = "ReadDashboard"
    actions   = ["execute-api:Invoke"]
    resources = ["${local.stage_arn}/GET/dashboard/*"]
  }

  # Past the router, which is what is checked.
  statement {
    sid       = "FindRecords"
    actions   = ["dynamodb:Query"]
    resources = concat([var.audit_table_arn], var.audit_index_arns)
  }

  statement {
    sid       = "ReadRecords"
    actions   = ["dynamodb:BatchGetItem"]
    resources = [var.audit_table_arn]
  }

  # A second version or a delete marker is what somebody tried, so versions are listed.
  dynamic "statement" {
    for_each = var.audit_archive[*]

    content {
      sid       = "ListArchive"
      actions   = ["s3:ListBucket", "s3:ListBucketVersions"]
      resources = [statement.value.bucket_arn]
    }
  }

  dynamic "statement" {
    for_each = var.audit_archive[*]

    content {
      sid       = "ReadArchive"
      actions   = ["s3:GetObject", "s3:GetObjectRetention", "s3:GetObjectVersion"]
      resources = ["${statement.value.bucket_arn}/records/*"]
    }
  }

  dynamic "statement" {
    for_each = var.audit_archive[*]

    content {
      sid       = "ReadArchiveHead"
      actions   = ["dynamodb:GetItem"]
      resources = [statement.value.table_arn]
    }
  }

  statement {
    sid       = "DecryptThroughServices"
    actions   = ["kms:Decrypt"]
    resources = concat([var.kms_key_arn], var.audit_archive[*].kms_key_arn)

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [for service in concat(["dynamodb"], var.audit_archive == null ? [] : ["s3"]) : "${service}.${local.region}.amazonaws.com"]
    }
  }
}
