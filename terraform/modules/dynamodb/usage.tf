# What finished records add up to, by slices of ten minutes, so that a month's figures are not counted anew for each question.
resource "aws_dynamodb_table" "usage" {
  name                        = var.usage_table_name
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = var.deletion_protection

  hash_key  = "day"
  range_key = "slice"

  dynamic "attribute" {
    for_each = toset(["day", "slice"])

    content {
      name = attribute.value
      type = "S"
    }
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}
